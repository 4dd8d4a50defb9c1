import { messageOf } from "../src/message-of.ts";
import { packageVersion } from "../src/package-version.ts";
import { Context, type ContextOptions } from "./context.ts";
import { type BaselineFile, baselineGates } from "./gates/baseline.ts";
import { judge } from "./gates/judge.ts";
import { describeCommit, describeMachine } from "./machine/describe.ts";
import { judgeConditions, type Validity } from "./machine/validity.ts";
import { summaryOf } from "./metric.ts";
import { type BenchResult, RESULT_VERSION, type ScenarioResult } from "./result.ts";
import type { Size } from "./scenarios/scenario.ts";
import { type Measured, type Scenario, Skipped } from "./scenarios/scenario.ts";
import { TargetDied } from "./target/alive.ts";

/** Where no time was measured. */
const CONCLUSIVE: Validity = { conclusive: true, reasons: [], brief: null };

export interface RunOptions extends ContextOptions {
  readonly scenarios: readonly { readonly scenario: Scenario; readonly size: Size }[];
  /** What costs may be of what they were; absent: nothing is known of that. */
  readonly baseline?: BaselineFile;
  readonly profile: string;
  /** The command that gives the result again. */
  readonly command: string;
  /** Told of each result as soon as it is there. */
  readonly onScenario: (result: ScenarioResult) => void;
}

export interface RunOutcome {
  readonly result: BenchResult;
  /** Why the run ended before its end; null: it did not. */
  readonly died: string | null;
}

/** Runs one scenario after the other. Rejects when `signal` aborts, after everything has been ended. */
export async function runBench(options: RunOptions): Promise<RunOutcome> {
  const startedAt = new Date();
  const context = new Context(options);
  const results: ScenarioResult[] = [];
  const add = (result: ScenarioResult): void => {
    results.push(result);
    options.onScenario(result);
  };
  let died: string | null = null;
  try {
    for (const { scenario, size } of options.scenarios) {
      options.signal.throwIfAborted();
      died = await runScenario(scenario, size, context, options, add);
      if (died !== null) break;
    }
  } finally {
    await context.close();
  }
  const target = context.lastTarget;
  return {
    died,
    result: {
      version: RESULT_VERSION,
      command: options.command,
      startedAt: startedAt.toISOString(),
      durationMs: Date.now() - startedAt.getTime(),
      outcome: outcomeOf(results.map(({ outcome }) => outcome)),
      machine: describeMachine(),
      hub: { version: packageVersion(), commit: describeCommit() },
      target: {
        kind: target?.kind ?? "hub",
        workers: target?.workers ?? null,
        flags: [...(target?.flags ?? [])],
      },
      profile: options.profile,
      scenarios: results,
    },
  };
}

/** Why the target died; null: it lives. */
async function runScenario(
  scenario: Scenario,
  size: Size,
  context: Context,
  options: RunOptions,
  add: (result: ScenarioResult) => void,
): Promise<string | null> {
  const { signal } = options;
  let beganMs = performance.now();
  try {
    for await (const measured of scenario.run(context.bench(size))) {
      const workers = context.lastTarget?.workers ?? null;
      add(resultOf(scenario, measured, options, workers, performance.now() - beganMs));
      beganMs = performance.now();
    }
    return null;
  } catch (error) {
    signal.throwIfAborted();
    const outcome = error instanceof Skipped ? "skipped" : "failed";
    add(unmeasured(scenario, outcome, messageOf(error), performance.now() - beganMs));
    return error instanceof TargetDied ? error.message : null;
  }
}

function resultOf(
  { id }: Scenario,
  measured: Measured,
  { gates, baseline }: RunOptions,
  workers: number | null,
  durationMs: number,
): ScenarioResult {
  const { metrics, conditions, measuredMs, phases, series, stages, notes, load, variant, title } = measured;
  const validity = conditions === null ? CONCLUSIVE : judgeConditions(conditions);
  const held =
    baseline === undefined || id !== "cost"
      ? { gates: [], remark: null }
      : baselineGates(baseline, { id, variant }, { vs: null, workers, machine: describeMachine() });
  const verdicts = judge(id, metrics, [...gates, ...held.gates], {
    conclusive: validity.conclusive,
    durationMs: measuredMs,
  });
  return {
    ...{ id, variant, title, load },
    // Without what came before, such as connecting those whom scenarios share.
    durationMs: phases.at(-1)?.endMs ?? durationMs,
    outcome: outcomeOf(verdicts.map(({ outcome }) => outcome)),
    reasons: [...validity.reasons],
    ...(validity.brief !== null && { brief: validity.brief }),
    metrics: Object.fromEntries([...metrics].map(([name, metric]) => [name, summaryOf(metric)])),
    gates: verdicts,
    phases: [...phases],
    series: [...series],
    stages: [...stages],
    ...(measured.rounds !== undefined && { rounds: [...measured.rounds] }),
    notes: [...notes, ...(held.remark === null ? [] : [held.remark])],
  };
}

function unmeasured(
  { id, about }: Scenario,
  outcome: "skipped" | "failed",
  reason: string,
  durationMs: number,
): ScenarioResult {
  return {
    ...{ id, variant: null, title: about, outcome, reasons: [reason], durationMs },
    load: { connections: {}, eventsPerSecond: null },
    ...{ metrics: {}, gates: [], phases: [], series: [], stages: [], notes: [] },
  };
}

/** The worst counts: what failed did, however busy the machine was. Where nothing was measured, nothing has passed. */
export function outcomeOf(outcomes: readonly ScenarioResult["outcome"][]): BenchResult["outcome"] {
  if (outcomes.includes("failed")) return "failed";
  if (outcomes.length > 0 && outcomes.every((outcome) => outcome === "skipped")) return "inconclusive";
  return outcomes.includes("inconclusive") ? "inconclusive" : "passed";
}
