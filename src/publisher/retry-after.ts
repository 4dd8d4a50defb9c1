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
