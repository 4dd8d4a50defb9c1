import { MAX_NUMBER } from "./events.ts";

const UNIT = 2 ** 32;

/**
 * A sum of integers from 0 to 2^53-1 that stays exact while terms come and go, and is read saturated at 2^53-1
 * (progress-rules.md 1, 16). A plain number would lose its low bits above 2^53 and never get them back.
 */
export class ExactSum {
  #high = 0;
  #low = 0;

  /** To take a term away again, its negative is added. */
  add(value: number): void {
    this.#high += Math.trunc(value / UNIT);
    this.#low += value % UNIT;
  }

  become(other: ExactSum): void {
    this.#high = other.#high;
    this.#low = other.#low;
  }

  get value(): number {
    return Math.min(MAX_NUMBER, Math.max(0, this.#high * UNIT + this.#low));
  }
}
