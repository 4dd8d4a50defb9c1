import type { Reading } from "./readings.ts";

export type Verdict = "better" | "same" | "worse" | "unknown";

/** Less than this nobody should act on. */
const MATTERS = 1.05;
/** That the true median lies within the spread. Five pairs are the fewest with which it can. */
const CONFIDENCE = 0.9;

/** B to A. Null where one is not known, or below zero: then there is no ratio. */
export function ratioOf(a: number | null, b: number | null): number | null {
  if (a === null || b === null || a < 0 || b < 0) return null;
  if (a === 0) return b === 0 ? 1 : Number.POSITIVE_INFINITY;
  return b / a;
}

/** Null of none. */
export function medianOf(values: readonly number[]): number | null {
  const [low, high] = middleOf(values) ?? [];
  if (low === undefined || high === undefined) return null;
  return low === high ? low : (low + high) / 2;
}

/** Between two it is their geometric mean, so that the sides can be exchanged. Null of none. */
export function medianRatioOf(ratios: readonly number[]): number | null {
  const [low, high] = middleOf(ratios) ?? [];
  if (low === undefined || high === undefined) return null;
  const median = low === high ? low : Math.sqrt(low * high);
  return Number.isNaN(median) ? null : median;
}

/**
 * An interval for the median that assumes nothing of how the ratios are spread: from the k-th least to the k-th most,
 * with the greatest k that still has the confidence (the sign test's; Conover, Practical Nonparametric Statistics, 3.2).
 * With fewer pairs than that takes, the least and the most. Null of one pair or none.
 */
export function spreadOf(ratios: readonly number[]): readonly [least: number, most: number] | null {
  const sorted = ascending(ratios);
  let k = 1;
  while (confidenceOf(k + 1, sorted.length) >= CONFIDENCE) k += 1;
  const [least, most] = [sorted[k - 1], sorted[sorted.length - k]];
  return least === undefined || most === undefined || sorted.length < 2 ? null : [least, most];
}

/** Whether so many ratios have a spread in which their true median lies, with the confidence. */
export function isTelling(count: number): boolean {
  return confidenceOf(1, count) >= CONFIDENCE;
}

/**
 * What of the pairs' readings can be told: correctness by how often it failed, all else by the ratios that count.
 * Worse only where the spread excludes 1 and the ratio matters, or where a gate that was green in A is red in most of B.
 * Null where neither way is better.
 */
export function judgePairs(
  pairs: readonly (readonly [Reading | undefined, Reading | undefined])[],
  ratios: readonly number[],
): Verdict | null {
  const known = pairs.flat().find((reading) => reading !== undefined)?.known;
  if (known?.correctness === true) {
    if (pairs.flat().includes(undefined)) return "unknown";
    const [failedA, failedB] = [countFailed(pairs, 0), countFailed(pairs, 1)];
    if (failedA === 0 && failedB === 0) return "same";
    if (failedA === 0) return "worse";
    return failedB === 0 ? "better" : "unknown";
  }
  if (isNewlyRed(pairs)) return "worse";
  if (known === undefined || known.better === null) return null;
  return judgeRatios(known.better === "lower" ? ratios : ratios.map((ratio) => 1 / ratio));
}

/** Of ratios that are the better the lower they are. */
function judgeRatios(ratios: readonly number[]): Verdict {
  const [median, spread] = [medianRatioOf(ratios), spreadOf(ratios)];
  if (median === null || spread === null || !isTelling(ratios.length)) return "unknown";
  const [least, most] = spread;
  if (least > 1 && median > MATTERS) return "worse";
  if (most < 1 && median < 1 / MATTERS) return "better";
  return least >= 1 / MATTERS && most <= MATTERS ? "same" : "unknown";
}

function middleOf(values: readonly number[]): readonly [low: number, high: number] | null {
  const sorted = ascending(values);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? null : [low, high];
}

function ascending(values: readonly number[]): readonly number[] {
  // Infinity less itself is no number.
  return [...values].sort((one, other) => (one === other ? 0 : one - other));
}

function countFailed(
  pairs: readonly (readonly [Reading | undefined, Reading | undefined])[],
  side: 0 | 1,
): number {
  return pairs.filter((pair) => pair[side]?.failed === true).length;
}

/** Of a gate, which has a threshold: what is read without one fails nothing. */
function isNewlyRed(pairs: readonly (readonly [Reading | undefined, Reading | undefined])[]): boolean {
  const gated = pairs.filter((pair) => pair.some((reading) => (reading?.threshold ?? null) !== null));
  return countFailed(gated, 0) === 0 && 2 * countFailed(gated, 1) > pairs.length;
}

/** That the median lies between the k-th least and the k-th most of so many. */
function confidenceOf(k: number, count: number): number {
  let ways = 1;
  let outside = 0;
  for (let index = 0; index < k; index += 1) {
    outside += ways;
    ways = (ways * (count - index)) / (index + 1);
  }
  return 1 - (2 * outside) / 2 ** count;
}
