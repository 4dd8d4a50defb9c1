import { z } from "zod";
import type { K6Transport } from "./plan.ts";
import { aggregationOf, type K6Counter, LAG } from "./thresholds.ts";

/** In milliseconds; without samples `count` is 0 and the others null. */
interface K6Trend {
  readonly count: number;
  readonly min: number | null;
  readonly avg: number | null;
  readonly med: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly p999: number | null;
  readonly max: number | null;
}

interface K6Threshold {
  /** `socketio`, or `socketio_samples` for the partner of its thresholds. */
  readonly metric: string;
  readonly threshold: string;
  /** What was compared; null without samples. */
  readonly value: number | null;
  readonly ok: boolean;
}

export interface K6Summary {
  readonly trends: Readonly<Record<K6Transport | typeof LAG, K6Trend>>;
  readonly counters: Readonly<Record<K6Counter, number>>;
  readonly thresholds: readonly K6Threshold[];
}

/** The part of what k6 hands to `handleSummary` that is read here. */
const summarySchema = z.object({
  metrics: z.record(
    z.string(),
    z.object({
      type: z.string(),
      values: z.record(z.string(), z.number().nullable()),
      thresholds: z.record(z.string(), z.object({ ok: z.boolean() })).optional(),
    }),
  ),
});
type Values = Readonly<Record<string, number | null>>;
type Measured = z.infer<typeof summarySchema>["metrics"][string];

/** Reads the file that the script left. Throws a `ZodError` for another shape. */
export function parseK6Summary(json: string): K6Summary {
  const { metrics } = summarySchema.parse(JSON.parse(json));
  const trendOf = (name: string) => trendFrom(metrics[name]?.values ?? {});
  return {
    trends: {
      socketio: trendOf("socketio"),
      websocket: trendOf("websocket"),
      polling: trendOf("polling"),
      lag: trendOf(LAG),
    },
    counters: {
      messages: metrics.messages?.values.count ?? 0,
      errors: metrics.errors?.values.count ?? 0,
      closes: metrics.closes?.values.count ?? 0,
      synced: metrics.synced?.values.count ?? 0,
    },
    // k6 has them in another order each time.
    thresholds: Object.keys(metrics)
      .sort()
      .flatMap((metric) => thresholdsOf(metric, metrics[metric])),
  };
}

function thresholdsOf(metric: string, measured: Measured | undefined): K6Threshold[] {
  const { type, values = {}, thresholds = {} } = measured ?? {};
  return Object.entries(thresholds).map(([threshold, { ok }]) => ({
    metric,
    threshold,
    value: type === "trend" && !hasSamples(values) ? null : (values[aggregationOf(threshold)] ?? null),
    ok,
  }));
}

function trendFrom(values: Values): K6Trend {
  const at = (aggregation: string) => (hasSamples(values) ? (values[aggregation] ?? null) : null);
  return {
    count: values.count ?? 0,
    min: at("min"),
    avg: at("avg"),
    med: at("med"),
    p90: at("p(90)"),
    p99: at("p(99)"),
    p999: at("p(99.9)"),
    max: at("max"),
  };
}

/** Of a Trend without samples k6 says 0 for everything. */
function hasSamples(values: Values): boolean {
  return (values.count ?? 0) > 0;
}
