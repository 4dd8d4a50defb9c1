import type { Redis } from "../../redis/redis.ts";
import type { OwnedKind } from "../store.ts";
import type { SharedClock } from "./clock.ts";
import { keysOf, ownerKey } from "./keys.ts";
import { RELEASE, runScript } from "./scripts.ts";

/** An id may be released, and bound to somebody else, by another machine. */
const TRUSTED_FOR_MS = 1_000;
const MAX_KNOWN = 10_000;

interface Known {
  readonly userId: string;
  readonly readAtMs: number;
}

/**
 * Whose a job id is, and an upload's: keys of their own, set once if absent, which go some time after nobody asks for
 * them any more.
 */
export class RedisOwners {
  readonly #redis: Redis;
  readonly #clock: SharedClock;
  readonly #keepMs: number;
  readonly #known = new Map<string, Known>();

  /** `keepMs`: how long after the last event of a job its state is kept, at most. */
  constructor(redis: Redis, clock: SharedClock, keepMs: number) {
    this.#redis = redis;
    this.#clock = clock;
    this.#keepMs = Math.ceil(keepMs);
  }

  async get(kind: OwnedKind, id: string): Promise<string | null> {
    const key = ownerKey(kind, id);
    const known = this.#knownOf(key);
    if (known !== null) return known;
    const userId = await this.#redis.run(key, (client) =>
      client.getEx(key, { type: "PX", value: this.#keepMs }),
    );
    if (userId !== null) this.#note(key, userId);
    return userId;
  }

  async bind(kind: OwnedKind, id: string, userId: string): Promise<string> {
    const known = await this.get(kind, id);
    if (known !== null) return known;
    const { owned } = keysOf(userId);
    const member = ownerKey(kind, id);
    const nowMs = Math.floor(this.#clock.monotonicMs());
    // First, so that whatever is bound is found when the user is forgotten.
    await this.#redis.run(owned, (client) =>
      Promise.all([
        client.zAdd(owned, { score: nowMs, value: member }),
        client.zRemRangeByScore(owned, "-inf", nowMs - this.#keepMs),
        client.pExpire(owned, this.#keepMs),
      ]),
    );
    const before = await this.#redis.run(member, (client) =>
      client.set(member, userId, {
        condition: "NX",
        GET: true,
        expiration: { type: "PX", value: this.#keepMs },
      }),
    );
    const owner = before === null ? userId : String(before);
    this.#note(member, owner);
    return owner;
  }

  /** Does nothing where it is bound to somebody else. */
  async release(kind: OwnedKind, id: string, userId: string): Promise<void> {
    await this.releaseKey(ownerKey(kind, id), userId);
  }

  async releaseKey(key: string, userId: string): Promise<void> {
    this.#known.delete(key);
    await this.#redis.run(key, (client) => runScript(client, RELEASE, [key], [userId]));
  }

  #knownOf(key: string): string | null {
    const known = this.#known.get(key);
    if (known === undefined) return null;
    return this.#clock.monotonicMs() - known.readAtMs < TRUSTED_FOR_MS ? known.userId : null;
  }

  #note(key: string, userId: string): void {
    this.#known.delete(key);
    this.#known.set(key, { userId, readAtMs: this.#clock.monotonicMs() });
    if (this.#known.size <= MAX_KNOWN) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}
