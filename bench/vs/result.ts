import { z } from "zod";
import { resultSchema } from "../result.ts";
import { BASELINES } from "./baselines.ts";

// What `bench --vs` leaves behind: all runs of both sides, and their ratios. A change that old files can't be read with
// is another version.

export const VS_VERSION = 1;

/** One line of the gates on a ratio, judged by the spread: `inconclusive` where the limit lies within it. */
const barSchema = z.object({
  /** As in gates.json: `value<=2`. */
  threshold: z.string(),
  outcome: z.enum(["passed", "failed", "inconclusive"]),
});

const ratioSchema = z.object({
  /** As in gates.json after `vs.<baseline>.`: `cpu_per_event`. */
  metric: z.string(),
  /** Of a time; null: what it is of is of all transports together. */
  transport: z.string().nullable(),
  /** Of the two medians. */
  unit: z.string(),
  /** The median of the side's runs; null: none has it. */
  hub: z.number().nullable(),
  baseline: z.number().nullable(),
  /** Hub to baseline, the median of the pairs' ratios; null: there is none. */
  ratio: z.number().nullable(),
  /** Between which two ratios their median lies, with 90 % or more from 5 pairs on; null: fewer than two. */
  spread: z.tuple([z.number(), z.number()]).nullable(),
  /** Pairs that count: for a time and for CPU, without those of a busy machine. */
  pairs: z.number(),
  bars: z.array(barSchema),
});

const scenarioSchema = z.object({
  id: z.string(),
  variant: z.string().nullable(),
  ratios: z.array(ratioSchema),
});

const vsResultSchema = z.object({
  kind: z.literal("vs"),
  version: z.literal(VS_VERSION),
  /** The command that gives it again. */
  command: z.string(),
  startedAt: z.string(),
  durationMs: z.number(),
  /** Of the hub's gates and of the bars; the baseline's gates don't count. */
  outcome: z.enum(["passed", "failed", "inconclusive"]),
  baseline: z.enum(BASELINES),
  profile: z.string(),
  scenarios: z.array(scenarioSchema),
  /** What else to know, a sentence each. */
  remarks: z.array(z.string()),
  /** The n-th run of one side is the pair of the n-th of the other. */
  runs: z.object({ hub: z.array(resultSchema).min(1), baseline: z.array(resultSchema).min(1) }),
});

export type VsResult = z.infer<typeof vsResultSchema>;
export type VsScenario = z.infer<typeof scenarioSchema>;
export type Ratio = z.infer<typeof ratioSchema>;
export type Bar = z.infer<typeof barSchema>;

/** Throws a `ZodError` for what is no result of this version. */
export function parseVsResult(json: string): VsResult {
  return vsResultSchema.parse(JSON.parse(json));
}
