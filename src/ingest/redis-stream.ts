import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { type Backoff, fullJitterMs } from "../backoff.ts";
import { systemClock } from "../engine/clock.ts";
import type { Engine, Rejection } from "../engine/contract.ts";
import { HubError } from "../errors.ts";
import { messageOf } from "../message-of.ts";
import { isReply } from "../redis/errors.ts";
import type { Link } from "../redis/link.ts";
import type { Redis } from "../redis/redis.ts";
import type { EventCounts } from "./event-counts.ts";
import { type GateResult, isRejection } from "./gate.ts";
import { publishAdmitted } from "./publish.ts";
import { admitEntry, type StreamEntry } from "./stream-entries.ts";
import { type Fate, fateOf, retryAfterMs } from "./stream-fate.ts";
import { type DeadLetter, type GroupFigures, type PendingEntry, StreamGroup } from "./stream-group.ts";

export interface RedisStreamOptions {
  /** Closed with the source. */
  readonly redis: Redis;
  readonly stream: string;
  readonly publish: Engine["publish"];
  readonly counts: EventCounts;
  readonly log: Logger;
  /** Events read at once. */
  readonly maxBatch: number;
  readonly maxEventBytes: number;
  readonly timing?: Partial<StreamTiming>;
}

export interface StreamTiming {
  /** What a consumer was given so long ago, and has not acknowledged, is taken over by another. */
  readonly claimAfterMs: number;
  readonly sweepEveryMs: number;
  /** What was not taken is given again after this; by how often it was given. */
  readonly retryAfterMs: (deliveries: number) => number;
}

interface RedisStreamStats {
  /** Dead letters by code. */
  readonly deadLetters: ReadonlyMap<string, number>;
}

export interface RedisStreamSource {
  readonly stats: RedisStreamStats;
  /** null: Redis is away, or there is no group yet. Never rejects. */
  figures(): Promise<GroupFigures | null>;
  /** Reads nothing more, finishes what is under way, leaves the group. Never rejects. */
  stop(): Promise<void>;
  /** At once: what was read and not acknowledged is taken over by another consumer. */
  close(): void;
}

const TIMING: StreamTiming = { claimAfterMs: 30_000, sweepEveryMs: 1_000, retryAfterMs };
const MAX_READ = 200;
/** Short enough for a drain to wait for. */
const BLOCK_MS = 250;
const ANSWER_MS = 1_000;
const MAX_PENDING_PAGES = 20;
const FORGET_CONSUMERS_AFTER_MS = 3_600_000;
const BACKOFF: Backoff = { minMs: 50, maxMs: 1_000 };
/** Of dead letters one line in this time: a backend with a mistake makes many. */
const TELL_EVERY_MS = 10_000;

/**
 * Events from a Redis Stream, as a consumer of the group `progress-hub`. An entry is acknowledged after its event was
 * committed, so that each is taken at least once; what a consumer died over is taken over by another.
 *
 *     XREADGROUP -> gate -> publish -> XACK                       accepted, unchanged
 *                     |        |-----> XADD <stream>:dead, XACK   never acceptable, or given too often
 *                     |        |-----> stays pending              `owner_unknown`: given again later (XPENDING, XCLAIM)
 *                     '--------'-----> held                       the hub or Redis is not able to: nothing is read meanwhile
 *
 * One batch at a time: what the hub can't take yet stays in Redis. XPENDING and XCLAIM rather than XAUTOCLAIM, which
 * doesn't tell how often an entry was given.
 */
export function startRedisStream(options: RedisStreamOptions): RedisStreamSource {
  return new Consumer(options);
}

class Consumer implements RedisStreamSource {
  readonly #options: RedisStreamOptions;
  readonly #timing: StreamTiming;
  readonly #group: StreamGroup;
  readonly #reads: Link;
  readonly #stopping = new AbortController();
  readonly #deadLetters = new Map<string, number>();
  readonly #ended: Promise<void>;
  #hasGroup = false;
  #isAway = false;
  #isHeld = false;
  #sweepAtMs = 0;
  /** Where the next sweep goes on; `-`: at the beginning. */
  #sweepFrom = "-";
  #forgetAtMs = 0;
  #tellAtMs = 0;
  #untold = 0;

  constructor(options: RedisStreamOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
    const consumer = `${hostname()}-${process.pid}-${randomBytes(4).toString("hex")}`;
    this.#group = new StreamGroup(options.redis, options.stream, consumer);
    this.#reads = options.redis.dedicated(options.stream);
    this.#ended = this.#consume();
  }

  get stats(): RedisStreamStats {
    return { deadLetters: this.#deadLetters };
  }

  figures(): Promise<GroupFigures | null> {
    return this.#group.figures().catch(() => null);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
    if (this.#hasGroup) await this.#group.leave().catch(() => {});
    this.close();
  }

  close(): void {
    this.#stopping.abort();
    this.#reads.close();
    this.#options.redis.close();
  }

  async #consume(): Promise<void> {
    const { signal } = this.#stopping;
    // Else every start would begin with a line that there is no connection yet.
    await Promise.all([this.#options.redis.settled(), this.#reads.settled()]);
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#round();
        failures = 0;
        this.#tellBack();
      } catch (error) {
        if (isReply(error, "NOGROUP")) this.#hasGroup = false;
        failures += 1;
        this.#tellAway(error);
        await this.#pause(failures);
      }
    }
  }

  async #round(): Promise<void> {
    if (!this.#hasGroup) {
      await this.#group.create();
      this.#hasGroup = true;
    }
    if (performance.now() >= this.#sweepAtMs) await this.#sweep();
    const count = Math.min(MAX_READ, this.#options.maxBatch);
    const entries = await this.#group.read(this.#reads, count, BLOCK_MS, ANSWER_MS);
    await this.#take(entries);
  }

  /** What is due again, and what a dead consumer left; nothing is in hand of this one. */
  async #sweep(): Promise<void> {
    const { claimAfterMs, sweepEveryMs, retryAfterMs: retryMs } = this.#timing;
    const count = Math.min(MAX_READ, this.#options.maxBatch);
    const leastMs = Math.min(claimAfterMs, retryMs(1));
    for (let page = 0; page < MAX_PENDING_PAGES && !this.#stopping.signal.aborted; page += 1) {
      const pending = await this.#group.pending(this.#sweepFrom, leastMs, count);
      const last = pending.at(-1);
      this.#sweepFrom = last === undefined || pending.length < count ? "-" : `(${last.id}`;
      const isOwn = ({ consumer }: PendingEntry) => consumer === this.#group.consumer;
      const due = pending.filter((entry) => isOwn(entry) && entry.idleMs >= retryMs(entry.deliveries));
      const left = pending.filter((entry) => !isOwn(entry) && entry.idleMs >= claimAfterMs);
      if (due.length > 0) await this.#take(await this.#group.claim(due, leastMs));
      if (left.length > 0) await this.#take(await this.#group.claim(left, claimAfterMs));
      if (this.#sweepFrom === "-") break;
    }
    const nowMs = performance.now();
    this.#sweepAtMs = nowMs + sweepEveryMs;
    if (nowMs < this.#forgetAtMs) return;
    await this.#group.forgetConsumers(FORGET_CONSUMERS_AFTER_MS);
    this.#forgetAtMs = nowMs + FORGET_CONSUMERS_AFTER_MS;
  }

  /** Through the gate and into the hub; comes back when each has met its fate, or the source is to stop. */
  async #take(entries: readonly StreamEntry[]): Promise<void> {
    const { maxEventBytes } = this.#options;
    const arrivedAtMs = systemClock.monotonicMs();
    let waiting = entries.map((entry) => ({ entry, result: admitEntry(entry, maxEventBytes) }));
    for (let failures = 1; waiting.length > 0; failures += 1) {
      const rejected = await this.#publish(
        waiting.map(({ result }) => result),
        arrivedAtMs,
      );
      const fates = new Map(rejected.map((rejection) => [rejection.index, rejection]));
      const done: StreamEntry[] = [];
      const dead: DeadLetter[] = [];
      const held: typeof waiting = [];
      for (const [index, one] of waiting.entries()) {
        const rejection = fates.get(index);
        const fate: Fate | null =
          rejection === undefined ? null : fateOf(rejection.code, one.entry.deliveries);
        if (rejection === undefined) done.push(one.entry);
        else if (fate === "dead")
          dead.push({ entry: one.entry, code: rejection.code, message: rejection.message });
        else if (fate === "hold") held.push(one);
      }
      if (done.length + dead.length > 0) await this.#group.settle(done, dead);
      this.#buried(dead);
      if (held.length === 0) return this.#tellTaken();
      if (this.#stopping.signal.aborted) return;
      this.#tellHeld(rejected.find(({ code }) => fateOf(code, 1) === "hold")?.code ?? "");
      await this.#pause(failures);
      waiting = held;
    }
  }

  /** What the hub refuses as a whole it refuses each one of that the gate let through. */
  async #publish(results: readonly GateResult[], arrivedAtMs: number): Promise<readonly Rejection[]> {
    const { publish, counts } = this.#options;
    try {
      return (await publishAdmitted(results, { publish, counts, arrivedAtMs })).rejected;
    } catch (error) {
      const { code, message } = error instanceof HubError ? error : new HubError("internal_error");
      if (code === "internal_error")
        this.#options.log.error({ err: error }, "events of the Redis Stream failed");
      return results.map((result, index) =>
        isRejection(result) ? { ...result, index } : { index, id: result.id, code, message },
      );
    }
  }

  async #pause(failures: number): Promise<void> {
    const { signal } = this.#stopping;
    await sleep(fullJitterMs(failures, BACKOFF, Math.random()), undefined, { signal }).catch(() => {});
  }

  #buried(dead: readonly DeadLetter[]): void {
    const [first] = dead;
    if (first === undefined) return;
    for (const { code } of dead) this.#deadLetters.set(code, (this.#deadLetters.get(code) ?? 0) + 1);
    this.#untold += dead.length;
    if (performance.now() < this.#tellAtMs) return;
    const { code, message: detail } = first;
    const { deadStream } = this.#group;
    this.#options.log.warn(
      { events: this.#untold, code, detail, deadStream },
      "events of the Redis Stream can't be taken",
    );
    this.#untold = 0;
    this.#tellAtMs = performance.now() + TELL_EVERY_MS;
  }

  /** Once, however often it is tried. */
  #tellAway(error: unknown): void {
    if (this.#isAway || isReply(error, "NOGROUP")) return;
    this.#isAway = true;
    const reason = messageOf(error);
    this.#options.log.warn(
      { stream: this.#group.stream, reason },
      "the Redis Stream can't be read, events wait in it",
    );
  }

  #tellBack(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#options.log.info({ stream: this.#group.stream }, "the Redis Stream is read again");
  }

  #tellHeld(code: string): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#options.log.warn(
      { stream: this.#group.stream, code },
      "the hub takes no events now, they wait in the Redis Stream",
    );
  }

  #tellTaken(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#options.log.info({ stream: this.#group.stream }, "events of the Redis Stream are taken again");
  }
}
