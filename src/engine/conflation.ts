/**
 * Leading edge at once, then at most one message an interval, the last state always; what is urgent (a start, a
 * change of status, an ending) does not wait. `lastAtMs` null: nothing was shown yet. Gives the monotonic time at
 * which to show: `nowMs` or before = now.
 */
export function showAtMs(
  urgent: boolean,
  lastAtMs: number | null,
  intervalMs: number,
  nowMs: number,
): number {
  return urgent || lastAtMs === null ? nowMs : lastAtMs + intervalMs;
}
