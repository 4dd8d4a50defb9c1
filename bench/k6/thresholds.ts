import { K6_TRANSPORTS } from "./plan.ts";

type Thresholds = Readonly<Record<string, readonly string[]>>;

const PREFIX = "k6.";
const SAMPLES = "_samples";

/** Counters of the script: messages of any kind, what went wrong, connections that were ended by the hub, and synced ones. */
const K6_COUNTERS = ["messages", "errors", "closes", "synced"] as const;
export type K6Counter = (typeof K6_COUNTERS)[number];

/** Milliseconds between the arrival of a message in k6 and its turn in the script: k6's own lag. */
export const LAG = "lag";

/** The counter of a Trend's samples. */
export function samplesOf(trend: string): string {
  return trend + SAMPLES;
}

/**
 * Gates of scenario `k6` as thresholds of the script: `{"k6.socketio": ["p(99)<100"]}`, with or without the prefix. k6 lets
 * a threshold on a Trend without samples pass (and its Trends have no `count`), so each gets a partner on the counter of
 * its samples. Metrics that the script has not, for k6 an error, are left out: others judge them.
 */
export function k6Thresholds(gates: Thresholds): Record<string, string[]> {
  const thresholds: Record<string, string[]> = {};
  const add = (metric: string, those: readonly string[]) => {
    thresholds[metric] = [...(thresholds[metric] ?? []), ...those];
  };
  for (const [gate, those] of Object.entries(gates)) {
    const metric = gate.startsWith(PREFIX) ? gate.slice(PREFIX.length) : gate;
    if (isTrend(metric)) {
      add(metric, those);
      add(samplesOf(metric), ["count>0"]);
    } else if (isCounter(metric)) add(metric, those);
  }
  return thresholds;
}

/** Of a Trend, what the summary must hold so that every threshold on it can be shown with its value. */
export function trendStatsOf(thresholds: Thresholds): string[] {
  const asked = Object.values(thresholds)
    .flat()
    .map(aggregationOf)
    .filter((aggregation) => aggregation.startsWith("p("));
  return [...new Set(["count", "min", "avg", "med", "p(90)", "p(99)", "p(99.9)", "max", ...asked])];
}

/** `p(99)` of `p(99)<100`. */
export function aggregationOf(threshold: string): string {
  return (/^[^<>=!]+/.exec(threshold)?.[0] ?? threshold).replaceAll(" ", "");
}

function isTrend(metric: string): boolean {
  return metric === LAG || K6_TRANSPORTS.some((transport) => transport === metric);
}

function isCounter(metric: string): boolean {
  return K6_COUNTERS.some((name) => name === metric);
}
