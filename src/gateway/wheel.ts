import { performance } from "node:perf_hooks";

/** Something that has a time to be looked at. Held by the wheel until that time or until it is cancelled. */
export interface Timed {
  /** Monotonic milliseconds; the wheel alone writes it. Infinity: never. */
  dueMs: number;
  /** Does what is due. Returns when to look again; Infinity: not any more. Never throws. */
  onDue(nowMs: number): number;
}

/** Of `performance.now()`: never steps. */
export type MonotonicNow = () => number;

const SLOTS = 512;
/** A wall clock that moved this much against the monotonic one was set by someone. */
const CLOCK_STEP_MS = 1_000;

/**
 * One timer for all deadlines of all connections: a hashed timing wheel (Varghese and Lauck, 1987). Scheduling and
 * cancelling cost O(1); a deadline is met up to one tick late. One further round of the wheel costs an entry one look.
 */
export class Wheel {
  readonly tickMs: number;
  readonly #now: MonotonicNow;
  readonly #wallNow: () => number;
  readonly #slots: Set<Timed>[] = Array.from({ length: SLOTS }, () => new Set());
  readonly #onTick: (() => void)[] = [];
  #timer: NodeJS.Timeout | null = null;
  #tick: number;
  #wallOffsetMs: number;

  constructor(tickMs: number, now: MonotonicNow = () => performance.now(), wallNow: () => number = Date.now) {
    this.tickMs = tickMs;
    this.#now = now;
    this.#wallNow = wallNow;
    this.#tick = Math.floor(now() / tickMs);
    this.#wallOffsetMs = wallNow() - now();
  }

  now(): number {
    return this.#now();
  }

  start(): void {
    this.#timer ??= setInterval(() => this.advance(), this.tickMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const slot of this.#slots) slot.clear();
  }

  /** Replaces what was scheduled for the entry. */
  schedule(entry: Timed, dueMs: number): void {
    this.cancel(entry);
    if (dueMs === Number.POSITIVE_INFINITY) return;
    // What is due already is due at the next tick; its own slot has been passed.
    entry.dueMs = Math.max(dueMs, this.#now());
    this.#slotOf(entry.dueMs).add(entry);
  }

  cancel(entry: Timed): void {
    if (entry.dueMs !== Number.POSITIVE_INFINITY) this.#slotOf(entry.dueMs).delete(entry);
    entry.dueMs = Number.POSITIVE_INFINITY;
  }

  /** Also called on every tick. */
  everyTick(task: () => void): void {
    this.#onTick.push(task);
  }

  /** Looks at everything that is due; the timer calls it. */
  advance(): void {
    const nowMs = this.#now();
    const tick = Math.floor(nowMs / this.tickMs);
    const steps = Math.min(tick - this.#tick, SLOTS);
    this.#tick = tick;
    for (let step = 0; step < steps; step += 1) {
      const slot = this.#slots[(tick - step) % SLOTS];
      for (const entry of slot ?? []) if (entry.dueMs <= nowMs) this.#look(entry, nowMs);
    }
    if (this.#clockStepped(nowMs)) this.#lookAtAll(nowMs);
    for (const task of this.#onTick) task();
  }

  #look(entry: Timed, nowMs: number): void {
    this.cancel(entry);
    const again = entry.onDue(nowMs);
    // Never into the slot being walked: an entry that is always due would keep the loop going.
    if (again !== Number.POSITIVE_INFINITY) this.schedule(entry, Math.max(again, nowMs + this.tickMs));
  }

  // Expiry times of tokens are wall-clock times: when that clock is set, they are somewhere else on this one.
  #clockStepped(nowMs: number): boolean {
    const offsetMs = this.#wallNow() - nowMs;
    const stepped = Math.abs(offsetMs - this.#wallOffsetMs) > CLOCK_STEP_MS;
    if (stepped) this.#wallOffsetMs = offsetMs;
    return stepped;
  }

  #lookAtAll(nowMs: number): void {
    const entries = this.#slots.flatMap((slot) => [...slot]);
    for (const entry of entries) if (entry.dueMs !== Number.POSITIVE_INFINITY) this.#look(entry, nowMs);
  }

  // One tick later than the floor, so that an entry is due when its slot is reached.
  #slotOf(dueMs: number): Set<Timed> {
    const slot = this.#slots[(Math.floor(dueMs / this.tickMs) + 1) % SLOTS];
    if (slot === undefined) throw new RangeError(`no slot for ${dueMs}`);
    return slot;
  }
}
