import { type BaselineFile, type BaselineGates, baselineGates } from "../gates/baseline.ts";
import type { Gate } from "../gates/parse.ts";
import type { AuditRules } from "../load/audit.ts";
import { describeMachine } from "../machine/describe.ts";
import type { Progress } from "../progress.ts";
import type { BenchResult, ScenarioResult } from "../result.ts";
import { outcomeOf, type RunOutcome, runBench } from "../run.ts";
import type { Sized } from "../sizes.ts";
import { spawnTarget } from "../target/spawned.ts";
import { TRANSPORTS, type Transport } from "../transports.ts";
import type { Turns } from "../turns.ts";
import { type Baseline, TRANSPORTS_OF } from "./baselines.ts";
import { ratiosOf } from "./ratios.ts";
import { remarksOn } from "./remarks.ts";
import { VS_VERSION, type VsResult } from "./result.ts";
import { runTogether } from "./together.ts";

export interface VsOptions {
  readonly baseline: Baseline;
  readonly pairs: number;
  readonly scenarios: readonly Sized[];
  /** Of the scenarios, and of `vs`. */
  readonly gates: readonly Gate[];
  /** What ratios may be of what they were; absent: nothing is known of that. */
  readonly file?: BaselineFile;
  readonly profile: string;
  readonly command: string;
  /** Of the hub, and of a baseline that has some. */
  readonly workers: number;
  readonly rules: AuditRules;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Told of each run of a part as soon as it is there. */
  readonly onRun: (run: VsRun) => void;
}

export interface VsRun {
  /** From 1. */
  readonly pair: number;
  readonly side: Side;
  readonly result: BenchResult;
}

export interface VsOutcome {
  readonly result: VsResult;
  /** Why it ended before its end; null: it did not. */
  readonly died: string | null;
}

type Side = "hub" | "baseline";

/** What is run on both sides at once, or on one right after the other, so that a pair shares what the machine was like. */
interface Part {
  readonly sized: Sized;
  readonly transports: readonly Transport[];
}

/** It holds nothing back, and its ids count over all users. */
const BASELINE_RULES: AuditRules = { photoIntervalMs: 0, jobIntervalMs: 0, isDense: false };
const ABBA: readonly (readonly [Side, Side])[] = [
  ["hub", "baseline"],
  ["baseline", "hub"],
];

/**
 * The same load on both, each time in fresh processes, with the order turned from pair to pair: on one after the other, or,
 * of costs, on both at the same time, where they take turns every few seconds.
 */
export async function runVs(options: VsOptions): Promise<VsOutcome> {
  const startedAt = new Date();
  const runs: Record<Side, BenchResult[]> = { hub: [], baseline: [] };
  let died: string | null = null;
  for (let pair = 1; pair <= options.pairs && died === null; pair += 1) {
    const order = ABBA[(pair - 1) % 2] ?? [];
    const parts: Record<Side, BenchResult[]> = { hub: [], baseline: [] };
    const take = (side: Side, { result, died: why }: RunOutcome): void => {
      died ??= why;
      parts[side].push(result);
      options.onRun({ pair, side, result });
    };
    for (const part of partsOf(options)) {
      if (died !== null) break;
      if (takesTurns(part.sized)) {
        const outcomes = await runTogether(order, options, (side, shared) =>
          runPart(part, pair, side, { ...options, ...shared }, shared.turns),
        );
        for (const [side, outcome] of outcomes) take(side, outcome);
      } else {
        for (const side of order) {
          if (died === null) take(side, await runPart(part, pair, side, options));
        }
      }
    }
    for (const side of ["hub", "baseline"] as const) runs[side].push(...joined(parts[side], options));
  }
  return { died, result: resultOf(runs, startedAt, options) };
}

/** It has a fresh target for each transport, which may as well be there beside another's. */
export function takesTurns({ scenario }: Sized): boolean {
  return scenario.id === "cost";
}

/** What takes turns does so by transport. */
function partsOf({ scenarios, baseline }: VsOptions): readonly Part[] {
  const transports = TRANSPORTS_OF[baseline];
  return scenarios.flatMap((sized): Part[] =>
    takesTurns(sized)
      ? transports.map((transport) => ({ sized, transports: [transport] }))
      : [{ sized, transports }],
  );
}

function runPart(
  { sized, transports }: Part,
  pair: number,
  side: Side,
  { baseline, pairs, workers, rules, gates, profile, command, progress, signal }: VsOptions,
  turns?: Turns,
): Promise<RunOutcome> {
  const kind = side === "hub" ? "hub" : baseline;
  const absent: readonly string[] = TRANSPORTS.filter((transport) => !transports.includes(transport));
  const told = (scenario: string): string => `${pair}/${pairs} ${kind} ${scenario}`;
  return runBench({
    ...{ profile, command, signal, transports },
    scenarios: [sized],
    // Stock clients come by polling, which a plain server in a cluster can't have; both sides do without.
    withCanaries: false,
    gates: gates.filter(({ metric }) => metric !== "canaries" && !absent.includes(metric)),
    startTarget: () => spawnTarget({ kind, workers, flags: [] }),
    canRestart: true,
    startHubs: null,
    ...(turns !== undefined && { turns }),
    rules: side === "hub" ? rules : BASELINE_RULES,
    progress: {
      phase: (scenario, phase) => progress.phase(told(scenario), phase),
      numbers: (numbers) => progress.numbers(numbers),
    },
    onScenario: () => undefined,
  });
}

/** The parts of one side of one pair, as one run; none of none. */
function joined(parts: readonly BenchResult[], { command }: VsOptions): readonly BenchResult[] {
  const [first] = parts;
  if (first === undefined) return [];
  return [
    {
      ...first,
      command,
      durationMs: parts.reduce((sum, { durationMs }) => sum + durationMs, 0),
      outcome: outcomeOf(parts.map(({ outcome }) => outcome)),
      scenarios: parts.flatMap(({ scenarios }) => scenarios),
    },
  ];
}

function resultOf(
  runs: Readonly<Record<Side, BenchResult[]>>,
  startedAt: Date,
  { baseline, gates, command, profile, workers, file }: VsOptions,
): VsResult {
  const held = (scenario: ScenarioResult): BaselineGates =>
    file === undefined
      ? { gates: [], remark: null }
      : baselineGates(file, scenario, { vs: baseline, workers, machine: describeMachine() });
  const scenarios = ratiosOf(baseline, runs.hub, runs.baseline, gates, (one) => held(one).gates);
  const unheld = (runs.hub[0]?.scenarios ?? []).flatMap((scenario) => held(scenario).remark ?? []);
  const bars = scenarios.flatMap(({ ratios }) => ratios.flatMap((ratio) => ratio.bars));
  return {
    ...{ kind: "vs", version: VS_VERSION, command, profile, baseline, scenarios, runs },
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    outcome: outcomeOf([...runs.hub, ...bars].map(({ outcome }) => outcome)),
    remarks: [...remarksOn(baseline, runs.hub, runs.baseline), ...new Set(unheld)],
  };
}
