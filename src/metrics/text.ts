import { AggregatorRegistry } from "prom-client";
import { NOTHING_READ, type Snapshot } from "./readings.ts";

export const METRICS_CONTENT_TYPE = AggregatorRegistry.PROMETHEUS_CONTENT_TYPE;

/** Prometheus' text of all processes together: series with the same labels are summed, every metric is named. */
export function metricsText(snapshots: readonly Snapshot[]): Promise<string> {
  return AggregatorRegistry.aggregate(
    [NOTHING_READ, ...snapshots].map((snapshot) => [...snapshot]),
  ).metrics();
}
