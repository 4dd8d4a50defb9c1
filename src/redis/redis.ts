import type { Backoff } from "../backoff.ts";
import type { ClientOptions, RedisClient } from "./client.ts";
import { RedisClusterLinks } from "./cluster.ts";
import { Link, type LinkEvents, type LinkOptions } from "./link.ts";
import { assertMaster, createMasterResolver } from "./sentinel.ts";
import { type Address, parseRedisUrl } from "./url.ts";

// What node-redis 6.3 and Redis 7.0 do, as tried, for whoever builds on this:
//
// - node-redis' `commandOptions.timeout` ends when a command is written: a hung server (SIGSTOP) is never noticed by it,
//   and its `socketTimeout` is put off by each write. So `Link.run` has a limit of its own, and drops the connection.
// - In a cluster a plain client gives MOVED to whoever asked, for SSUBSCRIBE too. When a slot moves, the server takes
//   back the subscription by itself (a push `sunsubscribe`): the client then emits `sharded-channel-moved` with the
//   channel, and forgets its listeners; it stays connected. `sSubscribe` again on a connection to `nodeOf(channel)`.
// - WAIT counts for writes of its own connection alone: on a dedicated one, write something there first; replicas get
//   the writes of all connections in one order, so that it stands for those before.
// - `INFO replication` master_replid: 40 hex digits, new after *every* restart, with or without the data (with replicas
//   and RDB the old one stays as master_replid2), and new on a promoted replica. But a master that sentinels gave up, and
//   had not demoted yet when they turned back to it, has kept its own: then it is the same, and writes are missing.

/**
 * A Redis, standalone, behind sentinels, or a cluster, as the same few calls. Nothing waits for a connection: while
 * there is none, everything is refused at once.
 */
export interface Redis {
  /** False: at least a part of the keys can't be reached at present. A hung Redis is noticed within 2 s. */
  readonly isReady: boolean;
  /**
   * Gives the task a connection to the node that serves the key; commands sent in one turn go out as one pipeline.
   * In a cluster all keys of a task are of the same slot, and a task may be done again elsewhere (MOVED, ASK).
   * Rejects with a HubError `store_unavailable` within `timeoutMs` (default 1,000); any other error reply comes as it is.
   */
  run<T>(key: string, task: (client: RedisClient) => Promise<T>, timeoutMs?: number): Promise<T>;
  /**
   * A connection of its own to the node that serves the key, for what blocks or subscribes; it follows the key. The
   * caller closes it.
   */
  dedicated(key: string, events?: LinkEvents): Link;
  /** `host:port` of the node that serves the key: keys of the same node may share a dedicated connection. null: unknown. */
  nodeOf(key: string): string | null;
  /** True: one task may name all of these keys, in one transaction. */
  isOneSlot(keys: readonly string[]): boolean;
  /** Number of the database; a cluster has one alone, 0. */
  readonly database: number;
  /** Resolves when a first attempt to connect has ended, well or not. Never rejects. */
  settled(): Promise<void>;
  close(): void;
}

export interface RedisOptions extends LinkEvents {
  /** Looks at each new connection before it is used; what it throws ends it. */
  readonly check?: (client: RedisClient) => Promise<void>;
  readonly commandTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  readonly backoff?: Backoff;
  /** Certificates in PEM to trust; absent: the system's, and those of NODE_EXTRA_CA_CERTS. */
  readonly ca?: string;
}

/** Many hubs come back at once; a second is what a producer is asked to wait as well. */
const BACKOFF: Backoff = { minMs: 50, maxMs: 1_000 };

/** `url`: the setting `redis`. Connects by itself, for ever, until it is closed. Throws TypeError for a URL that is none. */
export function connectRedis(url: string, options: RedisOptions = {}): Redis {
  const target = parseRedisUrl(url);
  const client: ClientOptions = {
    target,
    isTls: target.kind === "standalone" && target.isTls,
    database: target.kind === "standalone" ? target.database : 0,
    ca: options.ca ?? null,
    connectTimeoutMs: options.connectTimeoutMs ?? 1_000,
  };
  const common = {
    client,
    commandTimeoutMs: options.commandTimeoutMs ?? 1_000,
    backoff: options.backoff ?? BACKOFF,
    check: async (client: RedisClient): Promise<void> => {
      if (target.kind !== "cluster") await assertMaster(client);
      await options.check?.(client);
    },
  };
  if (target.kind === "cluster") return new RedisClusterLinks(target.nodes, common, options);
  const resolve =
    target.kind === "sentinel" ? createMasterResolver(target, client) : async () => target.address;
  return oneNode({ ...common, resolve }, options);
}

function oneNode(common: LinkOptions, events: LinkEvents): Redis {
  let node: Address | null = null;
  const link = new Link({
    ...common,
    ready(client, address) {
      node = address;
      events.ready?.(client, address);
    },
    lost: (error) => events.lost?.(error),
  });
  return {
    get isReady() {
      return link.isReady;
    },
    run: (_key, task, timeoutMs) => link.run(task, timeoutMs),
    dedicated: (_key, own = {}) => new Link({ ...common, ...own }),
    nodeOf: () => (node === null ? null : `${node.host}:${node.port}`),
    isOneSlot: () => true,
    database: common.client.database,
    settled: () => link.settled(),
    close: () => link.close(),
  };
}
