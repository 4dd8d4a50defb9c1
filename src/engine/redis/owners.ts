import type { Redis } from "../../redis/redis.ts";
import { keepNewest } from "../keep-newest.ts";
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
  /** When it was last put on the list of what the user owns. */
  readonly listedAtMs: number;
}

/**
 * Whose a job id is, and an upload's: keys of their own, set once if absent, which go some time after nobody asks for
 * them any more; and of each user a list of them.
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
    const known = this.#known.get(key);
    const nowMs = this.#clock.monotonicMs();
    if (known !== undefined && nowMs - known.readAtMs < TRUSTED_FOR_MS) return known.userId;
    const userId = await this.#redis.run(key, (client) =>
      client.getEx(key, { type: "PX", value: this.#keepMs }),
    );
    if (userId === null) return null;
    // What is on the list goes from it after a while, as the key would.
    const isListed = known?.userId === userId && nowMs - known.listedAtMs < this.#keepMs / 4;
    if (!isListed) await this.#list(key, userId);
    this.#note(key, userId, isListed ? known.listedAtMs : nowMs);
    return userId;
  }

  async bind(kind: OwnedKind, id: string, userId: string): Promise<string> {
    const known = await this.get(kind, id);
    if (known !== null) return known;
    const key = ownerKey(kind, id);
    // First, so that whatever is bound is found when the user is forgotten.
    await this.#list(key, userId);
    const before = await this.#redis.run(key, (client) =>
      client.set(key, userId, {
        condition: "NX",
        GET: true,
        expiration: { type: "PX", value: this.#keepMs },
      }),
    );
    const owner = before === null ? userId : String(before);
    if (owner === userId) this.#note(key, owner, this.#clock.monotonicMs());
    return owner;
  }

  /** Does nothing where it is bound to somebody else. */
  async release(kind: OwnedKind, id: string, userId: string): Promise<void> {
    await this.#release(ownerKey(kind, id), userId);
  }

  /** All of these keys, and then the user's list. */
  async releaseAll(keys: readonly string[], userId: string): Promise<void> {
    await Promise.all(keys.map((key) => this.#release(key, userId)));
    const { owned } = keysOf(userId);
    await this.#redis.run(owned, (client) => client.unlink(owned));
  }

  async #release(key: string, userId: string): Promise<void> {
    this.#known.delete(key);
    await this.#redis.run(key, (client) => runScript(client, RELEASE, [key], [userId]));
  }

  async #list(key: string, userId: string): Promise<void> {
    const { owned } = keysOf(userId);
    const nowMs = Math.floor(this.#clock.monotonicMs());
    await this.#redis.run(owned, (client) =>
      Promise.all([
        client.zAdd(owned, { score: nowMs, value: key }),
        client.zRemRangeByScore(owned, "-inf", nowMs - this.#keepMs),
        client.pExpire(owned, this.#keepMs),
      ]),
    );
  }

  #note(key: string, userId: string, listedAtMs: number): void {
    this.#known.delete(key);
    this.#known.set(key, { userId, readAtMs: this.#clock.monotonicMs(), listedAtMs });
    keepNewest(this.#known, MAX_KNOWN);
  }
}
