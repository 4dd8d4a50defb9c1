import type { Histogram } from "hdr-histogram-js";
import { percentileMs, type ToldTrend } from "./metric.ts";

/** What other clients saw of the same load. */
type Seen = Pick<ToldTrend["figures"], "count" | "med" | "p90" | "p99">;

/** Standard deviations: of a thousand runs, chance alone is beyond it in one. */
const CHANCE = 3.3;

/**
 * How far what others saw is from what we report, in milliseconds, by more than chance: the percentile of a few messages
 * is not that of all, be the clients the same. So ours is taken as a band, as wide as that of so many messages may vary.
 * The worst of median, p90 and p99; null without samples.
 */
export function awayMs(ours: Histogram, theirs: Seen): number | null {
  const away: number[] = [];
  for (const [percentile, ms] of [
    [50, theirs.med],
    [90, theirs.p90],
    [99, theirs.p99],
  ] as const) {
    const [least, most] = bandOf(percentile, theirs.count);
    const [leastMs, mostMs] = [percentileMs(ours, least), percentileMs(ours, most)];
    if (ms === null || leastMs === null || mostMs === null) continue;
    away.push(Math.max(0, leastMs - ms, ms - mostMs));
  }
  return away.length === 0 ? null : Math.max(...away);
}

export function seenIn(histogram: Histogram): Seen {
  const [med = null, p90 = null, p99 = null] = [50, 90, 99].map((at) => percentileMs(histogram, at));
  return { count: histogram.totalCount, med, p90, p99 };
}

/** Between which of all the percentile of so many may lie: a binomial's deviation, and a step of one message. */
function bandOf(percentile: number, count: number): readonly [least: number, most: number] {
  if (count === 0) return [0, 100];
  const share = percentile / 100;
  const width = 100 * (CHANCE * Math.sqrt((share * (1 - share)) / count) + 1 / count);
  return [Math.max(0, percentile - width), Math.min(100, percentile + width)];
}
