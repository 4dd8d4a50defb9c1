/** Waiting between tries of one request. */
export interface Backoff {
  /** Most milliseconds before the first retry; doubles with each. */
  readonly minMs: number;
  /** Most milliseconds before any retry. */
  readonly maxMs: number;
}

/**
 * Full jitter: anything from 0 to the exponential ceiling, so that many clients don't come back at once.
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 *
 * @param failures tries that failed in a row, 1 or more
 * @param random from 0 up to, and without, 1
 */
export function fullJitterMs(failures: number, { minMs, maxMs }: Backoff, random: number): number {
  return random * Math.min(maxMs, minMs * 2 ** (failures - 1));
}
