import { CATALOGUE, type KnownMetric } from "../gates/catalogue.ts";
import type { GateVerdict, MetricSummary, ScenarioResult } from "../result.ts";

/** One number of one run. */
export interface Reading {
  readonly metric: string;
  readonly statistic: string;
  readonly unit: string;
  /** Null: no samples. */
  readonly value: number | null;
  readonly threshold: string | null;
  /** By its gate; without one, by what its metric should be: nothing of what must not be, all of what must. */
  readonly failed: boolean;
  readonly known: KnownMetric | undefined;
}

/** What is read of each metric, and what its gates are on beside that; by metric and statistic. */
export function readingsOf(scenario: ScenarioResult): ReadonlyMap<string, Reading> {
  const readings = new Map<string, Reading>();
  for (const [metric, summary] of Object.entries(scenario.metrics)) {
    const known = CATALOGUE.get(scenario.id)?.get(metric);
    for (const [statistic, value] of statisticsOf(summary)) {
      const failed = value !== idealOf(summary);
      const reading = {
        metric,
        statistic,
        unit: unitOf(summary, statistic),
        value,
        threshold: null,
        failed,
        known,
      };
      readings.set(keyOf(metric, statistic), reading);
    }
  }
  for (const gate of scenario.gates) {
    const reading = readingOf(scenario, gate);
    readings.set(keyOf(reading.metric, reading.statistic), reading);
  }
  return readings;
}

function readingOf(
  scenario: ScenarioResult,
  { metric: whole, threshold, value, outcome }: GateVerdict,
): Reading {
  const metric = whole.slice(scenario.id.length + 1);
  const statistic = /^\s*([^\s<>=!]+)/.exec(threshold)?.[1] ?? "";
  const summary = scenario.metrics[metric];
  const known = CATALOGUE.get(scenario.id)?.get(metric);
  const failed = outcome === "failed";
  return { metric, statistic, unit: unitOf(summary, statistic), value, threshold, failed, known };
}

function statisticsOf(
  summary: MetricSummary,
): readonly (readonly [statistic: string, value: number | null])[] {
  switch (summary.type) {
    case "trend":
      return [
        ["med", summary.med],
        ["p(99)", summary.p99],
        ["p(99.9)", summary.p999],
      ];
    case "counter":
      return [["count", summary.count]];
    case "gauge":
      return [["value", summary.value]];
    case "rate":
      return [["rate", summary.rate]];
  }
}

function unitOf(summary: MetricSummary | undefined, statistic: string): string {
  if (summary === undefined || summary.type === "rate") return "";
  if (summary.type === "counter" && statistic === "rate") return `${summary.unit}/s`;
  return summary.type === "trend" && statistic === "count" ? "" : summary.unit;
}

function idealOf(summary: MetricSummary): number {
  return summary.type === "rate" ? 1 : 0;
}

function keyOf(metric: string, statistic: string): string {
  return `${metric} ${statistic}`;
}
