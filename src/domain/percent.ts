/** Percent as the hub counts it: whole tenths, 0 to 1000, so that rounding happens once and downwards. */
export type Tenths = number;

export const DONE: Tenths = 1000;
/** Highest value before the ending (progress-rules.md 6). */
export const ALMOST_DONE: Tenths = 999;

const EXACT_UP_TO = Math.floor(Number.MAX_SAFE_INTEGER / DONE);

/** floor(1000 x part / whole), at most 999; 0 for an empty whole. Both from 0 to 2^53-1, also fractional. */
export function tenthsOf(part: number, whole: number): Tenths {
  if (whole <= 0) return 0;
  const capped = Math.min(part, whole);
  const tenths = capped <= EXACT_UP_TO ? (DONE * capped) / whole : capped / (whole / DONE);
  return Math.min(ALMOST_DONE, Math.max(0, Math.floor(tenths)));
}
