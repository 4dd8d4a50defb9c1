import { unavailable } from "../../redis/errors.ts";
import type { Link } from "../../redis/link.ts";
import type { Redis } from "../../redis/redis.ts";
import { markerKey } from "./keys.ts";

const REPLICA_TIMEOUT_MS = 800;
const MARKER_TTL_MS = 60_000;

/** A connection of its own to one node: WAIT keeps what follows it on the same one waiting. */
interface Node {
  readonly link: Link;
  readonly marker: string;
  underWay: Promise<void> | null;
  /** Begins when that one has ended: it may have begun too early for who comes now. */
  next: Promise<void> | null;
}

/** Waits until a replica has what was written before. */
export class Replicated {
  readonly #redis: Redis;
  readonly #nodes = new Map<string, Node>();

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** `key`: of what was written. Rejects with `store_unavailable` when no replica has it in time. */
  async confirm(key: string): Promise<void> {
    const name = this.#redis.nodeOf(key);
    if (name === null) throw unavailable("has no node that serves the key");
    const node = this.#nodes.get(name) ?? this.#connect(name, key);
    await node.link.settled();
    if (node.underWay === null) {
      node.underWay = this.#wait(node);
      return node.underWay;
    }
    node.next ??= node.underWay
      .catch(() => undefined)
      .then(() => {
        node.next = null;
        node.underWay = this.#wait(node);
        return node.underWay;
      });
    return node.next;
  }

  close(): void {
    for (const { link } of this.#nodes.values()) link.close();
  }

  #connect(name: string, key: string): Node {
    const link = this.#redis.dedicated(key, {
      ready: (_client, { host, port }) => {
        // The key is served by another node now, of whose replicas nobody asked.
        if (`${host}:${port}` === name) return;
        this.#nodes.delete(name);
        link.close();
      },
    });
    const node: Node = { link, marker: markerKey(key), underWay: null, next: null };
    this.#nodes.set(name, node);
    return node;
  }

  async #wait(node: Node): Promise<void> {
    try {
      // WAIT counts for writes of its own connection alone; replicas get all of them in one order.
      const [, replicas] = await node.link.run((client) =>
        Promise.all([
          client.set(node.marker, "", { expiration: { type: "PX", value: MARKER_TTL_MS } }),
          client.wait(1, REPLICA_TIMEOUT_MS),
        ]),
      );
      if (replicas < 1) throw unavailable(`has no replica that took it within ${REPLICA_TIMEOUT_MS} ms`);
    } finally {
      node.underWay = null;
    }
  }
}
