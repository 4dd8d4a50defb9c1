import { z } from "zod";

// What a run leaves behind: the JSON file, and all that is drawn from it. Times are milliseconds unless a name says
// otherwise. A change that old files can't be read with is another version.

export const RESULT_VERSION = 1;

const percentileSchema = z.tuple([z.number(), z.number()]);

/** A distribution, merged over all processes. Without samples `count` is 0 and every value null. */
const trendSchema = z.object({
  type: z.literal("trend"),
  unit: z.string(),
  count: z.number(),
  min: z.number().nullable(),
  avg: z.number().nullable(),
  med: z.number().nullable(),
  p90: z.number().nullable(),
  p99: z.number().nullable(),
  p999: z.number().nullable(),
  max: z.number().nullable(),
  /** [percentile 0 to 100, value], ascending, denser towards 100: the curve of the report. */
  curve: z.array(percentileSchema),
});
const counterSchema = z.object({ type: z.literal("counter"), unit: z.string(), count: z.number() });
const gaugeSchema = z.object({ type: z.literal("gauge"), unit: z.string(), value: z.number() });
/** How many of so many tries were as they should be. Without tries `rate` is null. */
const rateSchema = z.object({
  type: z.literal("rate"),
  passes: z.number(),
  total: z.number(),
  rate: z.number().nullable(),
});
const metricSchema = z.discriminatedUnion("type", [trendSchema, counterSchema, gaugeSchema, rateSchema]);

/**
 * One line of gates.json, judged. `inconclusive`: it holds only for a machine that had time for it, and this one had not.
 * `value` null: there was no sample, which fails.
 */
const gateVerdictSchema = z.object({
  /** As in gates.json: `latency.sse`. */
  metric: z.string(),
  /** As in gates.json: `p(99)<100`. */
  threshold: z.string(),
  value: z.number().nullable(),
  outcome: z.enum(["passed", "failed", "inconclusive"]),
});

const seriesSchema = z.object({
  /** `connections`, `messages/s`, `latency p99`, `CPU hub`, `CPU load`, `memory hub`... */
  name: z.string(),
  unit: z.string(),
  /** [seconds since the scenario began, value]. */
  points: z.array(z.tuple([z.number(), z.number()])),
});

/** How long events spent on a part of their way, by the hub's own metrics, of this scenario alone. */
const stageSchema = z.object({
  stage: z.string(),
  count: z.number(),
  p50: z.number().nullable(),
  p99: z.number().nullable(),
});

/** A slot of load, and the other side's. */
const roundSchema = z.object({
  /** Of all processes of the target. */
  cpuUs: z.number(),
  /** From its beginning to that of the next no limit of a busy machine was passed. */
  isQuiet: z.boolean(),
});

const scenarioSchema = z.object({
  id: z.string(),
  /** Null, or what tells it from another of the same id in this run: `10,000 events/s`. */
  variant: z.string().nullable(),
  /** One line for people: what was done. */
  title: z.string(),
  outcome: z.enum(["passed", "failed", "inconclusive", "skipped"]),
  /** Why it was skipped or inconclusive, or what broke. */
  reasons: z.array(z.string()),
  /** The same in one short line, where they are long: `busy machine: steal 8.9 %`. */
  brief: z.string().optional(),
  durationMs: z.number(),
  phases: z.array(z.object({ name: z.string(), startMs: z.number(), endMs: z.number() })),
  /** Connections by transport, and events a second; null where the scenario has no such number. */
  load: z.object({
    connections: z.record(z.string(), z.number()),
    eventsPerSecond: z.number().nullable(),
  }),
  /** By name without the scenario's: `sse`, `lost`, `cpu_per_event`. */
  metrics: z.record(z.string(), metricSchema),
  gates: z.array(gateVerdictSchema),
  series: z.array(seriesSchema),
  stages: z.array(stageSchema),
  /** Of a load that took turns with another's; absent: it did not. */
  rounds: z.array(roundSchema).optional(),
  /** What a reader should know, a sentence each. */
  notes: z.array(z.string()),
});

export const resultSchema = z.object({
  version: z.literal(RESULT_VERSION),
  /** The command that gives it again. */
  command: z.string(),
  startedAt: z.string(),
  durationMs: z.number(),
  outcome: z.enum(["passed", "failed", "inconclusive"]),
  machine: z.object({
    cpu: z.string(),
    cores: z.number(),
    memoryBytes: z.number(),
    kernel: z.string(),
    node: z.string(),
  }),
  hub: z.object({
    version: z.string(),
    /** Null outside of a checkout. */
    commit: z.string().nullable(),
  }),
  target: z.object({
    kind: z.enum(["hub", "remote", "plain-socketio", "bare-relay"]),
    /** Null where it is not known. */
    workers: z.number().nullable(),
    flags: z.array(z.string()),
  }),
  profile: z.string(),
  scenarios: z.array(scenarioSchema),
});

export type BenchResult = z.infer<typeof resultSchema>;
export type ScenarioResult = z.infer<typeof scenarioSchema>;
export type MetricSummary = z.infer<typeof metricSchema>;
export type GateVerdict = z.infer<typeof gateVerdictSchema>;
export type Series = z.infer<typeof seriesSchema>;
export type Round = z.infer<typeof roundSchema>;
export type StageTimes = z.infer<typeof stageSchema>;

/** Throws a `ZodError` for what is no result of this version. */
export function parseResult(json: string): BenchResult {
  return resultSchema.parse(JSON.parse(json));
}
