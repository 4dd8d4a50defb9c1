import { availableParallelism } from "node:os";
import { type BaselineFile, vsBaselineOf } from "../../../bench/gates/baseline.ts";
import type { Gate } from "../../../bench/gates/parse.ts";
import type { AuditRules } from "../../../bench/load/audit.ts";
import { vsHtml } from "../../../bench/report/html/vs.ts";
import { lookOf } from "../../../bench/report/terminal.ts";
import { drawVs, drawVsRun, vsMarkdown } from "../../../bench/report/vs.ts";
import { vsJunit } from "../../../bench/report/vs-junit.ts";
import { type Profile, type SizeWishes, vsPlanOf } from "../../../bench/sizes.ts";
import type { Baseline } from "../../../bench/vs/baselines.ts";
import type { VsResult } from "../../../bench/vs/result.ts";
import { runVs, takesTurns } from "../../../bench/vs/run.ts";
import { CommandFailed, type ExitCode, exitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { wholeNumber } from "../options.ts";
import { type BaselineFlags, writeBaseline } from "./baseline.ts";
import { jsonOf, type OutputFiles, writeFiles } from "./outputs.ts";
import { preflight } from "./preflight.ts";
import { codeFor, stoppable } from "./stoppable.ts";
import { MAX_WORKERS, type TargetOptions } from "./target.ts";

export interface VsFlags extends OutputFiles, TargetOptions, BaselineFlags {
  readonly vs: Baseline;
  readonly pairs?: string;
  readonly profile: Profile;
}

/** What the other flags come to. */
interface VsPlan {
  readonly scenarios: readonly string[];
  readonly wishes: SizeWishes;
  readonly gates: readonly Gate[];
  /** Undefined: ratios are held to the gates alone. */
  readonly baseline: BaselineFile | undefined;
  readonly rules: AuditRules;
}

/** Scenarios that a baseline can do as well as a hub. */
const COMPARABLE = ["cost", "latency"];
const DEFAULT_PAIRS = 5;
const MAX_PAIRS = 100;

/** `bench --vs`: the same load on hub and baseline in turn. */
export async function benchVs(host: Host, flags: VsFlags, plan: VsPlan): Promise<ExitCode> {
  refuseUnfit(flags, plan.scenarios);
  const { vs: baseline, profile } = flags;
  const pairs = flags.pairs === undefined ? DEFAULT_PAIRS : wholeNumber("--pairs", flags.pairs, 1, MAX_PAIRS);
  const names = plan.scenarios.length === 0 ? ["cost"] : plan.scenarios;
  const sized = vsPlanOf(profile, names, plan.wishes);
  const workers = workersOf(flags.workers);
  await preflight(host, sized, { hubHere: true, sides: sized.some(takesTurns) ? 2 : 1 });
  const look = lookOf(host.stdout, host.env);
  return stoppable(host, async (signal, progress) => {
    const { result, died } = await runVs({
      ...{ baseline, pairs, profile, workers, progress, signal },
      ...{ gates: plan.gates, rules: plan.rules, scenarios: sized },
      ...(plan.baseline !== undefined && { file: plan.baseline }),
      command: `progress-hub bench ${host.argv.slice(1).join(" ")}`.trim(),
      onRun: (run) => {
        progress.pause();
        host.stdout.write(`${drawVsRun(run, look)}\n`);
      },
    });
    progress.pause();
    if (died !== null) throw new CommandFailed(exitCode.unreachable, `one side died: ${died}`);
    host.stdout.write(`\n${drawVs(result, look)}`);
    await writeFiles(host, flags, {
      json: () => jsonOf(result),
      markdown: () => vsMarkdown(result),
      html: () => vsHtml(result),
      junit: () => vsJunit(result),
    });
    await writeBaseline(host, flags, () => vsBaselineOf(result), wasBusyFor(result));
    return codeFor(result);
  });
}

/** Some pair does not count. */
function wasBusyFor({ scenarios, runs }: VsResult): boolean {
  return scenarios.some(({ ratios }) => ratios.some(({ pairs }) => pairs < runs.hub.length));
}

function refuseUnfit({ target, internal }: VsFlags, scenarios: readonly string[]): void {
  if (target !== undefined || internal !== undefined) {
    throw new CommandFailed(
      exitCode.usage,
      "--vs starts both sides itself; leave --target and --internal out",
    );
  }
  const unfit = scenarios.filter((name) => !COMPARABLE.includes(name));
  if (unfit.length === 0) return;
  const known = COMPARABLE.join(" and ");
  throw new CommandFailed(exitCode.usage, `--vs measures ${known}, not ${unfit.join(" and ")}`);
}

/** As serve, but told to both sides, so that neither takes another from its environment. */
function workersOf(workers: string | undefined): number {
  return workers === undefined
    ? Math.max(1, availableParallelism() - 1)
    : wholeNumber("--workers", workers, 0, MAX_WORKERS);
}
