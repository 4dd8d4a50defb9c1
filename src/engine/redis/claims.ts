import type { Redis } from "../../redis/redis.ts";
import type { SharedClock } from "./clock.ts";
import { BUCKETS, dueKey } from "./keys.ts";
import { list } from "./replies.ts";
import { CLAIM, runScript } from "./scripts.ts";

/** All buckets are looked at in four times as long. */
const CLAIM_EVERY_MS = 250;
const BUCKETS_AT_ONCE = BUCKETS / 4;
/** Whoever worked on the job last has this long to do it. */
const GRACE_MS = 1_000;
/** Who claimed a job and did not see to it, because it died for instance, loses it again after this. */
const LENT_FOR_MS = 5_000;
const MOST_OF_A_BUCKET = 20;

/** Jobs whose deadline is over, since whoever worked on them last is gone: each is claimed by one machine at a time. */
export class Claims {
  readonly #redis: Redis;
  readonly #clock: SharedClock;
  readonly #due: (userId: string, jobId: string) => void;
  readonly #failed: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  #next = 0;
  #isBusy = false;

  constructor(
    redis: Redis,
    clock: SharedClock,
    due: (userId: string, jobId: string) => void,
    failed: (error: unknown) => void,
    everyMs = CLAIM_EVERY_MS,
  ) {
    this.#redis = redis;
    this.#clock = clock;
    this.#due = due;
    this.#failed = failed;
    this.#timer = setInterval(() => void this.#round(), everyMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #round(): Promise<void> {
    if (this.#isBusy || !this.#redis.isReady) return;
    this.#isBusy = true;
    const buckets = Array.from({ length: BUCKETS_AT_ONCE }, (_, index) => (this.#next + index) % BUCKETS);
    this.#next = (this.#next + BUCKETS_AT_ONCE) % BUCKETS;
    const nowMs = Math.floor(this.#clock.monotonicMs());
    await Promise.all(buckets.map((bucket) => this.#claim(bucket, nowMs).catch(this.#failed)));
    this.#isBusy = false;
  }

  async #claim(bucket: number, nowMs: number): Promise<void> {
    const key = dueKey(bucket);
    const args = [nowMs - GRACE_MS, nowMs + LENT_FOR_MS, MOST_OF_A_BUCKET].map(String);
    const members = await this.#redis.run(key, (client) => runScript(client, CLAIM, [key], args));
    for (const member of list(members).map(String)) {
      const end = member.indexOf("\n");
      this.#due(member.slice(0, end), member.slice(end + 1));
    }
  }
}
