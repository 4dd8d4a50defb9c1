import type { Options, Scenario } from "k6/options";
import { K6_TRANSPORTS, type K6Plan, vusOf } from "./plan.ts";
import { trendStatsOf } from "./thresholds.ts";

/** What a connection may take longer to close than the plan holds it. */
const CLOSING_MS = 10_000;

/** k6's options for a plan: a scenario a transport, whose virtual users run once, until the end. */
export function optionsOf(plan: K6Plan, nowUnixMs: number): Options {
  const scenarios: Record<string, Scenario> = {};
  for (const transport of K6_TRANSPORTS) {
    const vus = vusOf(plan, transport);
    if (vus === 0) continue;
    scenarios[transport] = {
      executor: "per-vu-iterations",
      exec: transport,
      vus,
      iterations: 1,
      maxDuration: `${Math.max(0, plan.endUnixMs - nowUnixMs) + CLOSING_MS}ms`,
      gracefulStop: "1s",
    };
  }
  return {
    scenarios,
    thresholds: Object.fromEntries(
      Object.entries(plan.thresholds).map(([metric, those]) => [metric, [...those]]),
    ),
    summaryTrendStats: trendStatsOf(plan.thresholds),
    // Each tag of a message costs time and memory, and the URL of a poll would be a series of its own each time.
    systemTags: [],
    // Also the number of idle connections that k6 keeps: with fewer, each poll would open one.
    batch: plan.connectionsPerVu,
    batchPerHost: plan.connectionsPerVu,
  };
}
