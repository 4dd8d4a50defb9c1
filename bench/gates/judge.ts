import { type Metric, type Metrics, percentileMs, summaryOf } from "../metric.ts";
import type { GateVerdict } from "../result.ts";
import type { Gate } from "./parse.ts";
import { holds, type Threshold } from "./threshold.ts";

/** What the measuring itself was like. */
export interface Circumstances {
  /** False: the machine was too busy for its times to say anything. */
  readonly conclusive: boolean;
  /** How long was measured, which a counter's `rate` (per second) is of; without it such a gate has no sample. */
  readonly durationMs?: number;
}

/**
 * One verdict a gate of the scenario, in the order of the gates. A gate without samples fails, on a busy machine too:
 * that nothing came at all is no matter of time.
 */
export function judge(
  scenarioId: string,
  metrics: Metrics,
  gates: readonly Gate[],
  circumstances: Circumstances,
): GateVerdict[] {
  return gates
    .filter(({ scenario }) => scenario === scenarioId)
    .map((gate) => verdictOf(gate, metrics.get(gate.metric), circumstances));
}

function verdictOf(gate: Gate, metric: Metric | undefined, circumstances: Circumstances): GateVerdict {
  // Another tool's verdict stands as it is.
  const told =
    metric !== undefined && "told" in metric ? metric.told.verdicts.get(gate.threshold.text) : null;
  const value =
    told?.value ?? (metric === undefined ? null : measuredBy(metric, gate.threshold, circumstances));
  const isGreen = told == null ? holds(gate.threshold, value) : told.ok && value !== null;
  const doubtful = !circumstances.conclusive && !gate.correctness && value !== null;
  return {
    metric: `${gate.scenario}.${gate.metric}`,
    threshold: gate.threshold.text,
    value,
    outcome: doubtful ? "inconclusive" : isGreen ? "passed" : "failed",
  };
}

function measuredBy(
  metric: Metric,
  { aggregation, percentile }: Threshold,
  { durationMs = 0 }: Circumstances,
): number | null {
  const summary = summaryOf(metric);
  switch (summary.type) {
    case "trend":
      if (!("histogram" in metric) || summary.count === 0) return null;
      if (aggregation === "p") return percentileMs(metric.histogram, percentile ?? 0);
      return aggregation === "value" || aggregation === "rate" ? null : summary[aggregation];
    case "counter":
      if (aggregation === "rate") return durationMs > 0 ? (summary.count * 1_000) / durationMs : null;
      return aggregation === "count" ? summary.count : null;
    case "gauge":
      return aggregation === "value" && Number.isFinite(summary.value) ? summary.value : null;
    case "rate":
      return aggregation === "rate" ? summary.rate : null;
  }
}
