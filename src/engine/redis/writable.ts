import { HubError } from "../../errors.ts";
import type { Redis } from "../../redis/redis.ts";
import { BUCKETS, probeKey } from "./keys.ts";

const ASK_EVERY_MS = 500;
const KEEP_MS = 60_000;

/**
 * Writes to each node now and then: one that is full, or has too few replicas, answers pings and readers as if nothing
 * were wrong. `told` of the first refusal, and (null) of the first time that all take writes again.
 */
export class WriteProbe {
  readonly #redis: Redis;
  readonly #told: (refusal: HubError | null) => void;
  readonly #timer: NodeJS.Timeout;
  /** By node. */
  #refusals: ReadonlyMap<string | null, HubError> = new Map();
  #isBusy = false;

  constructor(redis: Redis, told: (refusal: HubError | null) => void) {
    this.#redis = redis;
    this.#told = told;
    this.#timer = setInterval(() => void this.#ask(), ASK_EVERY_MS).unref();
  }

  /** Why writes are refused; null: they are not, or nobody knows since there is no connection. */
  get refusal(): HubError | null {
    for (const refusal of this.#refusals.values()) return refusal;
    return null;
  }

  /** Of the node that serves the key. */
  refusalFor(key: string): HubError | null {
    return this.#refusals.size === 0 ? null : (this.#refusals.get(this.#redis.nodeOf(key)) ?? null);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #ask(): Promise<void> {
    // What can't be reached is told of elsewhere.
    if (this.#isBusy || !this.#redis.isReady) return;
    this.#isBusy = true;
    const refusals = new Map<string | null, HubError>();
    const ask = async ([node, key]: readonly [string | null, string]): Promise<void> => {
      const refusal = await this.#write(key);
      if (refusal !== null) refusals.set(node, refusal);
    };
    await Promise.all([...this.#keys()].map(ask));
    this.#isBusy = false;
    if (!this.#redis.isReady) return;
    const before = this.refusal;
    this.#refusals = refusals;
    const { refusal } = this;
    if ((refusal === null) !== (before === null)) this.#told(refusal);
  }

  /** One a node. */
  #keys(): ReadonlyMap<string | null, string> {
    const byNode = new Map<string | null, string>();
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const key = probeKey(bucket);
      byNode.set(this.#redis.nodeOf(key), key);
    }
    return byNode;
  }

  async #write(key: string): Promise<HubError | null> {
    try {
      await this.#redis.run(key, (client) =>
        client.set(key, "", { expiration: { type: "PX", value: KEEP_MS } }),
      );
      return null;
    } catch (error) {
      return error instanceof HubError ? error : null;
    }
  }
}
