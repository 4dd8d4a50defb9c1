import { build, type Histogram } from "hdr-histogram-js";
import type { MetricSummary } from "./result.ts";

/** What a scenario has measured, before it is judged and written down. */
export type Metric =
  | { readonly type: "trend"; readonly unit: "ms"; readonly histogram: Histogram }
  | { readonly type: "trend"; readonly unit: "ms"; readonly told: ToldTrend }
  | { readonly type: "counter"; readonly unit: string; readonly count: number }
  | { readonly type: "gauge"; readonly unit: string; readonly value: number }
  | { readonly type: "rate"; readonly passes: number; readonly total: number };

/** Times that another tool has measured and judged: its figures in milliseconds, null without samples. */
export interface ToldTrend {
  readonly figures: Readonly<
    Record<"min" | "avg" | "med" | "p90" | "p99" | "p999" | "max", number | null>
  > & {
    readonly count: number;
  };
  /** By threshold, as it is written in gates.json: what the tool compared, and what it found. */
  readonly verdicts: ReadonlyMap<string, { readonly value: number | null; readonly ok: boolean }>;
}

export type Metrics = ReadonlyMap<string, Metric>;

const US_PER_MS = 1_000;
/** Steps of the curve between two halvings of what is left to 100 %. */
const CURVE_STEPS = 5;
const CURVE_END = 99.9999;

/** Of times in whole microseconds, three digits exact. */
export function newHistogram(): Histogram {
  return build({ bitBucketSize: 64, numberOfSignificantValueDigits: 3, highestTrackableValue: 2 ** 40 });
}

export function trend(histogram: Histogram): Metric {
  return { type: "trend", unit: "ms", histogram };
}

export function toldTrend(told: ToldTrend): Metric {
  return { type: "trend", unit: "ms", told };
}

export function counter(count: number, unit = ""): Metric {
  return { type: "counter", unit, count };
}

export function gauge(value: number, unit = ""): Metric {
  return { type: "gauge", unit, value };
}

export function rate(passes: number, total: number): Metric {
  return { type: "rate", passes, total };
}

/** Null without samples. In milliseconds. */
export function percentileMs(histogram: Histogram, percentile: number): number | null {
  return histogram.totalCount === 0 ? null : histogram.getValueAtPercentile(percentile) / US_PER_MS;
}

export function summaryOf(metric: Metric): MetricSummary {
  if (metric.type !== "trend") {
    if (metric.type !== "rate") return metric;
    return { ...metric, rate: metric.total === 0 ? null : metric.passes / metric.total };
  }
  if ("told" in metric) return toldSummary(metric.told);
  const { histogram, unit } = metric;
  const at = (percentile: number) => percentileMs(histogram, percentile);
  const count = histogram.totalCount;
  return {
    type: "trend",
    unit,
    count,
    min: count === 0 ? null : histogram.minNonZeroValue / US_PER_MS,
    avg: count === 0 ? null : histogram.mean / US_PER_MS,
    med: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: count === 0 ? null : histogram.maxValue / US_PER_MS,
    curve: count === 0 ? [] : curveOf(histogram),
  };
}

function toldSummary({ figures }: ToldTrend): MetricSummary {
  const { min, med, p90, p99, p999, max } = figures;
  const points: [number, number | null][] = [
    [0, min],
    [50, med],
    [90, p90],
    [99, p99],
    [99.9, p999],
    [100, max],
  ];
  const curve = points.flatMap(([percentile, ms]): [number, number][] =>
    ms === null ? [] : [[percentile, ms]],
  );
  return { type: "trend", unit: "ms", ...figures, curve };
}

function curveOf(histogram: Histogram): [number, number][] {
  const points: [number, number][] = [];
  let percentile = 0;
  while (percentile < CURVE_END && 1 - percentile / 100 > 1 / histogram.totalCount) {
    points.push([percentile, histogram.getValueAtPercentile(percentile) / US_PER_MS]);
    percentile += (100 - percentile) / (2 * CURVE_STEPS);
  }
  points.push([100, histogram.maxValue / US_PER_MS]);
  return points;
}
