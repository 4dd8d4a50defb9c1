import type { BenchResult } from "../../../bench/result.ts";
import { CommandFailed, type ExitCode, exitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { type ShownProgress, showProgress } from "./progress.ts";
import { stopOf } from "./stop.ts";

/** Runs a measurement that Ctrl-C stops, with a line of progress that is gone at its end. */
export async function stoppable<Value>(
  host: Host,
  run: (signal: AbortSignal, progress: ShownProgress) => Promise<Value>,
): Promise<Value> {
  const { signal, release } = stopOf(host);
  const progress = showProgress(host);
  try {
    return await run(signal, progress);
  } catch (error) {
    progress.pause();
    if (!signal.aborted) throw error;
    throw new CommandFailed(exitCode.inconclusive, "stopped; what was measured until then says nothing");
  } finally {
    release();
  }
}

export function codeFor({ outcome }: Pick<BenchResult, "outcome">): ExitCode {
  return { passed: exitCode.done, failed: exitCode.failed, inconclusive: exitCode.inconclusive }[outcome];
}

export function wasBusy(results: readonly BenchResult[]): boolean {
  return results.some(({ scenarios }) => scenarios.some(({ brief }) => brief !== undefined));
}
