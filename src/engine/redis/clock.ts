import type { RedisClient } from "../../redis/client.ts";
import type { Redis } from "../../redis/redis.ts";
import type { Clock } from "../clock.ts";
import { list } from "./replies.ts";

/** A correction goes on at this rate, so that no interval is seen to end much early or late. */
const SLEW_MS_A_SECOND = 5;

/**
 * The time of Redis, which all hubs share: what one of them writes as a time means the same to the others. Milliseconds
 * of Redis' wall clock, carried on by this machine's monotonic one: a step of either does not show.
 */
export class SharedClock implements Clock {
  readonly #base: Clock;
  #offsetMs: number;
  #isSet = false;
  #correctedAtMs = 0;

  /** Until it was set it is this machine's. */
  constructor(base: Clock) {
    this.#base = base;
    this.#offsetMs = base.unixMs() - base.monotonicMs();
  }

  /** `redisMs`: as Redis told when this machine's clock showed `atMs`. The first is taken as it is. */
  correct(redisMs: number, atMs: number): void {
    const wantedMs = redisMs - atMs;
    const elapsedMs = Math.max(0, atMs - this.#correctedAtMs);
    const most = (elapsedMs / 1_000) * SLEW_MS_A_SECOND;
    const step = Math.min(most, Math.max(-most, wantedMs - this.#offsetMs));
    this.#offsetMs = this.#isSet ? this.#offsetMs + step : wantedMs;
    this.#correctedAtMs = atMs;
    this.#isSet = true;
  }

  /** This machine's. */
  baseMs(): number {
    return this.#base.monotonicMs();
  }

  monotonicMs(): number {
    return this.#base.monotonicMs() + this.#offsetMs;
  }

  unixMs(): number {
    return Math.floor(this.monotonicMs());
  }

  /** A time of this clock on that of this machine; 0 stays 0. */
  toBase(ms: number): number {
    return ms === 0 ? 0 : ms - this.#offsetMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.#base.after(delayMs, callback);
  }
}

const KEY = "progress-hub:time";
const ASK_EVERY_MS = 10_000;

/** Sets the clock by a Redis that was just connected to. */
export async function takeTime(client: RedisClient, clock: SharedClock): Promise<void> {
  const sentAtMs = clock.baseMs();
  const [seconds, micros] = list(await client.sendCommand<unknown>(["TIME"])).map(Number);
  const atMs = (sentAtMs + clock.baseMs()) / 2;
  clock.correct((seconds ?? 0) * 1_000 + (micros ?? 0) / 1_000, atMs);
}

/** Keeps the clock by that of Redis; without an answer it goes on as it did. Gives a function that ends it. */
export function followTime(redis: Redis, clock: SharedClock): () => void {
  const timer = setInterval(() => {
    redis.run(KEY, (client) => takeTime(client, clock)).catch(() => undefined);
  }, ASK_EVERY_MS).unref();
  return () => clearInterval(timer);
}
