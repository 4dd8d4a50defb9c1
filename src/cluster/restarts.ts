/** A child that served for so long had started well: what happens then is a new story. */
const STABLE_AFTER_MS = 10_000;
/** Before the second start in a row; the first one is at once. */
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;
const MAX_RESTARTS = 8;

/** When to start a child again that died: at once, then after 100 ms doubled each time, at most 5 s; after 8 in a row not. */
export class Restarts {
  #inARow = 0;

  /** Milliseconds to wait; null: it is no use. `servedMs`: from when it was ready to its last sign of life. */
  next(servedMs: number): number | null {
    if (servedMs >= STABLE_AFTER_MS) this.#inARow = 0;
    this.#inARow += 1;
    if (this.#inARow > MAX_RESTARTS) return null;
    return this.#inARow === 1 ? 0 : Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.#inARow - 2));
  }
}
