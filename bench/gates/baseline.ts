import { z } from "zod";
import { messageOf } from "../../src/message-of.ts";
import { counted, scenarioName } from "../report/words.ts";
import type { BenchResult, ScenarioResult } from "../result.ts";
import type { VsResult } from "../vs/result.ts";
import type { Gate } from "./parse.ts";
import { parseThreshold } from "./threshold.ts";

// Figures that were measured once, kept in a file, and held against ever after: what costs 10 % more than then is red.
// Of one run they are costs, and hold for machines of the same kind; of `--vs` they are ratios, and hold for any.

const BASELINE_VERSION = 1;
/** What a cost may be of what it was. */
const ALLOWED = 1.1;
const COSTS = [
  "cpu_per_event",
  "cpu_per_message",
  "pss_per_connection_idle",
  "pss_per_connection_after",
] as const;

const baselineSchema = z.object({
  kind: z.literal("baseline"),
  version: z.literal(BASELINE_VERSION),
  /** What the figures are ratios to; null: they are costs. */
  vs: z.string().nullable(),
  /** Of the run that they are of. */
  command: z.string(),
  startedAt: z.string(),
  machine: z.object({ cpu: z.string(), cores: z.number(), node: z.string() }),
  hub: z.object({ version: z.string(), commit: z.string().nullable() }),
  /** Null: as many as serve takes. */
  workers: z.number().nullable(),
  /** By scenario (`cost · sse, 5,000 events/s`), then by metric. */
  figures: z.record(z.string(), z.record(z.string(), z.number())),
});

export type BaselineFile = z.infer<typeof baselineSchema>;

/** Gates of one scenario beside those of the file of gates, or why there are none. */
export interface BaselineGates {
  readonly gates: readonly Gate[];
  /** Null: they are judged. */
  readonly remark: string | null;
}

/** Throws an `Error` that says what is wrong, to go after the file's name. */
export function parseBaseline(json: string): BaselineFile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw new Error(`is no JSON: ${messageOf(error)}`);
  }
  const { success, data, error } = baselineSchema.safeParse(parsed);
  if (success) return data;
  const { path = [], message = "" } = error.issues[0] ?? {};
  throw new Error(`is no file of --write-baseline: ${path.join(".")}: ${message}`);
}

/** Costs of a run. A scenario that measures none has no figures. */
export function baselineOf(result: BenchResult): BaselineFile {
  return fileOf(
    result,
    null,
    result.scenarios.map((scenario) => [scenarioName(scenario), costsOf(scenario)]),
  );
}

/** Ratios of `--vs`. Throws a `RangeError` where it has no run. */
export function vsBaselineOf({ runs, baseline, command, scenarios }: VsResult): BaselineFile {
  const [hub] = runs.hub;
  if (hub === undefined) throw new RangeError("--vs without a run");
  const ratios = scenarios.map((scenario): [string, Record<string, number>] => {
    const known = scenario.ratios.flatMap(({ metric, transport, ratio }): [string, number][] =>
      transport === null && ratio !== null ? [[metric, rounded(ratio)]] : [],
    );
    return [scenarioName(scenario), Object.fromEntries(known)];
  });
  return fileOf({ ...hub, command }, baseline, ratios);
}

/** What a scenario of a run on such a machine is held to; `vs` as in the file, and `workers` of the hub. */
export function baselineGates(
  file: BaselineFile,
  scenario: Pick<ScenarioResult, "id" | "variant">,
  now: Pick<BaselineFile, "vs" | "workers"> & {
    readonly machine: Pick<BaselineFile["machine"], "cpu" | "cores">;
  },
): BaselineGates {
  const figures = file.figures[scenarioName(scenario)];
  const reason =
    mismatchOf(file, now) ?? (figures === undefined ? "it has no figures of this scenario" : null);
  if (figures === undefined || reason !== null) {
    return { gates: [], remark: `Not judged against the baseline file: ${reason ?? ""}.` };
  }
  const gates = Object.entries(figures).flatMap(([metric, figure]): Gate[] => {
    const { threshold } = parseThreshold(`value<=${rounded(figure * ALLOWED)}`, "gauge");
    const place =
      now.vs === null ? { scenario: scenario.id, metric } : { scenario: "vs", metric: `${now.vs}.${metric}` };
    return threshold === null ? [] : [{ ...place, threshold, correctness: false }];
  });
  return { gates, remark: null };
}

/** Null: what the file says can be said of this run. A ratio is the same on every machine, or near enough. */
function mismatchOf(file: BaselineFile, now: Parameters<typeof baselineGates>[2]): string | null {
  if (file.vs !== now.vs) {
    return `its figures are ${file.vs === null ? "costs" : `ratios to ${file.vs}`}, and these are not`;
  }
  if (file.workers !== now.workers)
    return `it is of ${workerWords(file.workers)}, not ${workerWords(now.workers)}`;
  const { cpu, cores } = file.machine;
  const isSame = cpu === now.machine.cpu && cores === now.machine.cores;
  return isSame || file.vs !== null ? null : `other machine (it is of ${cpu}, ${cores} cores)`;
}

function fileOf(
  { command, startedAt, machine, hub, target }: BenchResult,
  vs: string | null,
  figures: readonly (readonly [string, Record<string, number>])[],
): BaselineFile {
  return {
    ...{ kind: "baseline", version: BASELINE_VERSION, vs, command, startedAt, hub },
    machine: { cpu: machine.cpu, cores: machine.cores, node: machine.node },
    workers: target.workers,
    figures: Object.fromEntries(figures.filter(([, known]) => Object.keys(known).length > 0)),
  };
}

function costsOf({ id, metrics }: ScenarioResult): Record<string, number> {
  if (id !== "cost") return {};
  const known = COSTS.flatMap((name): [string, number][] => {
    const summary = metrics[name];
    return summary?.type === "gauge" ? [[name, rounded(summary.value)]] : [];
  });
  return Object.fromEntries(known);
}

function workerWords(workers: number | null): string {
  return workers === null ? "an unknown number of workers" : counted(workers, "worker");
}

/** Four digits: of more, a diff shows noise. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
