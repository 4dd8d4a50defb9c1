/**
 * Counts values by bucket, each up to and including its bound, in plain numbers: a few nanoseconds a value, since it runs
 * for every message. Values and bounds are of one unit, which is the metric's.
 */
export class Histogram {
  /** Ascending. */
  readonly bounds: readonly number[];
  /** One more than there are bounds: the last is for what is above all of them. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  get counts(): ArrayLike<number> {
    return this.#counts;
  }

  get sum(): number {
    return this.#sum;
  }

  observe(value: number, times = 1): void {
    const { bounds } = this;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] ?? 0)) index += 1;
    this.#counts[index] = (this.#counts[index] ?? 0) + times;
    this.#sum += value * times;
  }
}
