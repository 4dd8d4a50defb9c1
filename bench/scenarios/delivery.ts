import type { Histogram } from "hdr-histogram-js";
import { awayMs, seenIn } from "../agreement.ts";
import type { FleetJudgement } from "../load/fleet.ts";
import { counter, gauge, type Metric, newHistogram, rate, trend } from "../metric.ts";
import type { LoadOutcome } from "../running-load.ts";
import { TRANSPORTS } from "../transports.ts";

/** What every load with clients measures. */
export function deliveryMetrics(outcome: LoadOutcome): Map<string, Metric> {
  const { judged, companions, emitted, closes, cost } = outcome;
  const canaries = companions.get("canaries") ?? null;
  const metrics = new Map<string, Metric>();
  for (const transport of TRANSPORTS) metrics.set(transport, trend(judged.histograms.leading[transport]));
  metrics.set("trailing", trend(allOf(judged, "trailing")));
  metrics.set("endings", trend(allOf(judged, "ending")));
  for (const kind of ["lost", "merged", "foreign", "disordered", "duplicate"] as const) {
    const all = [judged, ...companions.values()];
    metrics.set(kind, counter(all.reduce((sum, { counts }) => sum + counts[kind], 0)));
  }
  metrics.set("closes", counter(closes));
  if (judged.worstClientP99Ms !== null) metrics.set("worst_client_p99", gauge(judged.worstClientP99Ms, "ms"));
  const away =
    canaries === null ? null : awayMs(allOf(judged, "leading"), seenIn(allOf(canaries, "leading")));
  if (away !== null) metrics.set("canaries", gauge(away, "ms"));
  metrics.set("rate_reached", rate(Math.min(emitted.sentInWindow, emitted.dueInWindow), emitted.dueInWindow));
  if (cost !== null) {
    metrics.set("cpu_per_event", gauge(cost.cpuUs / cost.events, "µs"));
    metrics.set("cpu_per_message", gauge(cost.cpuUs / cost.messages, "µs"));
  }
  return metrics;
}

/** Messages of all transports. */
export function allOf(judged: FleetJudgement, kind: "leading" | "trailing" | "ending"): Histogram {
  const all = newHistogram();
  for (const transport of TRANSPORTS) all.add(judged.histograms[kind][transport]);
  return all;
}

/** Sentences about what was found, and what the emitter met. */
export function deliveryNotes({ judged, companions, emitted, hub }: LoadOutcome): string[] {
  const notes = [...judged.examples];
  for (const [name, { examples }] of companions) notes.push(...examples.map((text) => `${name}: ${text}`));
  if (emitted.refused > 0) {
    notes.push(`The hub refused ${emitted.refused} events for good: ${emitted.firstRefusal ?? ""}.`);
  }
  if (hub !== null && hub.linkMessagesMissed > 0) {
    const words = "a gateway read states instead, and the numbers that they leave out count as lost";
    notes.push(`${hub.linkMessagesMissed} messages waited too long for the link to a gateway: ${words}.`);
  }
  if (emitted.retries > 0) notes.push(`${emitted.retries} requests had to be sent again.`);
  return notes;
}
