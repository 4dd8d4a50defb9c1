import slotOf from "cluster-key-slot";
import { type ClientOptions, connectOnce, end, type RedisClient } from "./client.ts";
import { type Redirection, redirectionOf, unavailable } from "./errors.ts";
import { Link, type LinkEvents, type LinkOptions } from "./link.ts";
import type { Redis } from "./redis.ts";
import { askForSlots, type Topology } from "./topology.ts";
import type { Address } from "./url.ts";

type Common = Omit<LinkOptions, "resolve" | keyof LinkEvents>;

const MAX_REDIRECTIONS = 5;
/** The map is asked for again until every slot has a master that answers. */
const REFRESH_EVERY_MS = 500;

/**
 * A link to each master of a cluster, and the map of the slots. The map is asked for at the start, when a node sends us
 * elsewhere, and again and again while a master is away: node-redis' own cluster client keeps to a dead master for
 * seconds, and to a hung one for ever.
 */
export class RedisClusterLinks implements Redis {
  readonly #seeds: readonly Address[];
  readonly #common: Common;
  readonly #events: LinkEvents;
  readonly #links = new Map<string, Link>();
  readonly #timer: NodeJS.Timeout;
  #topology: Topology = { owners: [], nodes: [], isWhole: false };
  #refreshing: Promise<void> | null = null;
  readonly #first: Promise<void>;
  #isLost = false;
  #closed = false;

  constructor(seeds: readonly Address[], common: Common, events: LinkEvents) {
    this.#seeds = seeds;
    this.#common = common;
    this.#events = events;
    this.#first = this.#refresh().then(async () => {
      await Promise.all([...this.#links.values()].map((link) => link.settled()));
    });
    this.#timer = setInterval(() => {
      if (!this.isReady) void this.#refresh();
    }, REFRESH_EVERY_MS).unref();
  }

  get isReady(): boolean {
    return this.#topology.isWhole && [...this.#links.values()].every((link) => link.isReady);
  }

  async run<T>(key: string, task: (client: RedisClient) => Promise<T>, timeoutMs?: number): Promise<T> {
    let link = this.#linkFor(key);
    let present = task;
    for (let redirections = 0; ; redirections += 1) {
      try {
        return await link.run(present, timeoutMs);
      } catch (error) {
        const redirection = redirectionOf(error);
        if (redirection === null) throw error;
        if (redirections === MAX_REDIRECTIONS) throw unavailable("sends from node to node");
        link = await this.#follow(redirection, key);
        present = redirection.kind === "ASK" ? asking(task) : task;
      }
    }
  }

  dedicated(key: string, events: LinkEvents = {}): Link {
    return new Link({
      ...this.#common,
      ...events,
      isForOneKey: true,
      resolve: async () => {
        // What the map says may be why the connection before was lost.
        await this.#refresh();
        const address = this.#addressFor(key);
        if (address === null) throw unavailable("has no node that serves the key");
        return address;
      },
    });
  }

  get database(): number {
    return 0;
  }

  nodeOf(key: string): string | null {
    const address = this.#addressFor(key);
    return address === null ? null : nameOf(address);
  }

  isOneSlot(keys: readonly string[]): boolean {
    return new Set(keys.map((key) => slotOf(key))).size <= 1;
  }

  settled(): Promise<void> {
    return this.#first;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  #addressFor(key: string): Address | null {
    return this.#topology.owners[slotOf(key)] ?? null;
  }

  #linkFor(key: string): Link {
    const name = this.nodeOf(key);
    const link = name === null ? undefined : this.#links.get(name);
    if (link === undefined) throw unavailable("has no node that serves the key");
    return link;
  }

  async #follow({ kind, address }: Redirection, key: string): Promise<Link> {
    const colon = address.lastIndexOf(":");
    const from = this.#addressFor(key);
    const host = address.slice(0, colon) || (from?.host ?? "");
    if (kind === "MOVED") await this.#refresh();
    const link = this.#linkTo({ host, port: Number(address.slice(colon + 1)) });
    await link.settled();
    return link;
  }

  #linkTo(address: Address): Link {
    const name = nameOf(address);
    const known = this.#links.get(name);
    if (known !== undefined) return known;
    const link = new Link({
      ...this.#common,
      resolve: async () => address,
      ready: (client) => {
        if (this.isReady) this.#isLost = false;
        this.#events.ready?.(client, address);
      },
      lost: (error) => {
        if (this.#links.get(name) !== link) return;
        if (!this.#isLost) this.#events.lost?.(error);
        this.#isLost = true;
        void this.#refresh();
      },
    });
    this.#links.set(name, link);
    return link;
  }

  /** Several at once are one. Never rejects: what could not be asked stays as it was. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#ask().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #ask(): Promise<void> {
    const topology = (await this.#askLinks()) ?? (await this.#askAnyone());
    if (topology === null || this.#closed) return;
    this.#topology = topology;
    const masters = new Map(
      topology.owners.flatMap((owner) => (owner === undefined ? [] : [[nameOf(owner), owner]])),
    );
    for (const [name, link] of this.#links) {
      if (masters.has(name)) continue;
      this.#links.delete(name);
      link.close();
    }
    for (const address of masters.values()) this.#linkTo(address);
  }

  async #askLinks(): Promise<Topology | null> {
    for (const [name, link] of this.#links) {
      if (!link.isReady) continue;
      const topology = await link.run((client) => askForSlots(client, name)).catch(() => null);
      if (topology !== null) return topology;
    }
    return null;
  }

  /** The nodes known last, replicas too, since one of them may be the master now; then those of the setting. */
  async #askAnyone(): Promise<Topology | null> {
    for (const address of [...this.#topology.nodes, ...this.#seeds]) {
      const topology = await askOnce(address, this.#common.client).catch(() => null);
      if (topology !== null) return topology;
    }
    if (!this.#isLost && !this.#closed)
      this.#events.lost?.(unavailable("has no node of the cluster that answers"));
    this.#isLost = true;
    return null;
  }
}

async function askOnce(address: Address, options: ClientOptions): Promise<Topology | null> {
  const client = await connectOnce(address, options);
  const timer = setTimeout(() => end(client), options.connectTimeoutMs);
  try {
    return await askForSlots(client, nameOf(address));
  } finally {
    clearTimeout(timer);
    end(client);
  }
}

/** ASKING holds for the next command alone, which goes out in the same turn. */
function asking<T>(task: (client: RedisClient) => Promise<T>): (client: RedisClient) => Promise<T> {
  return async (client) => {
    const asked = client.sendCommand(["ASKING"]);
    const [result] = await Promise.all([task(client), asked]);
    return result;
  };
}

function nameOf({ host, port }: Address): string {
  return `${host}:${port}`;
}
