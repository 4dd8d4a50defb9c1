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

/**
 * `Retry-After` in milliseconds from `nowMs` (Unix): whole seconds or an HTTP date (RFC 9110, 10.2.3), 0 for a date
 * that has passed. null: absent or malformed.
 */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  const text = header?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  // Date.parse alone takes "-1" and "1.5" for years.
  const atMs = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}
