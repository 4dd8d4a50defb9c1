import type { Clock } from "./clock.ts";

/** Timers fire on whole steps of this, so that what falls due together is done together. */
const TICK_MS = 5;

/** One timer for all that has a time: set to the earliest, and moved when an earlier one comes. */
export class Wake {
  readonly #clock: Clock;
  readonly #callback: () => void;
  #timer: { readonly atMs: number; readonly cancel: () => void } | null = null;

  constructor(clock: Clock, callback: () => void) {
    this.#clock = clock;
    this.#callback = callback;
  }

  get isSet(): boolean {
    return this.#timer !== null;
  }

  /** On the clock's monotonic time. Does nothing when it is set to a time as early; null: never. */
  setBy(atMs: number | null): void {
    if (atMs === null) return;
    const tickMs = Math.ceil(atMs / TICK_MS) * TICK_MS;
    if (this.#timer !== null && this.#timer.atMs <= tickMs) return;
    this.cancel();
    const delayMs = Math.max(1, Math.ceil(tickMs - this.#clock.monotonicMs()));
    const cancel = this.#clock.after(delayMs, () => {
      this.#timer = null;
      this.#callback();
    });
    this.#timer = { atMs: tickMs, cancel };
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
