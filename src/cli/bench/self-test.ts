import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Gate } from "../../../bench/gates/parse.ts";
import type { AuditRules } from "../../../bench/load/audit.ts";
import { lookOf } from "../../../bench/report/terminal.ts";
import { drawSelfTest, drawTrial } from "../../../bench/self-test/draw.ts";
import { runSelfTest, SELF_TEST_SIZE } from "../../../bench/self-test/run.ts";
import { outcomeOfAll, type Trial } from "../../../bench/self-test/verdict.ts";
import { planOf, type SizeWishes, sizeWith } from "../../../bench/sizes.ts";
import { TargetDied } from "../../../bench/target/alive.ts";
import type { Target } from "../../../bench/target/target.ts";
import { CommandFailed, type ExitCode, exitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { preflight } from "./preflight.ts";
import { stoppable } from "./stoppable.ts";

interface SelfTest {
  readonly wishes: SizeWishes;
  readonly gates: readonly Gate[];
  readonly rules: AuditRules;
  readonly startTarget: () => Promise<Target>;
  /** Where the result goes as JSON; absent: nowhere. */
  readonly json?: string;
}

/** What makes no sense beside it: it has scenarios, a target and gates of its own. */
const NOT_WITH = ["profile", "target", "internal", "gates", "vs", "markdown", "html", "junit"];

/** Throws for what does not go with --self-test. `given`: the names of the options that were. */
export function refuseBeside(scenarios: readonly string[], given: readonly string[]): void {
  const flags = given.filter((name) => NOT_WITH.includes(name)).map((name) => `--${name}`);
  const [first] = [...scenarios, ...flags];
  if (first === undefined) return;
  throw new CommandFailed(
    exitCode.usage,
    `--self-test has scenarios, gates and a hub of its own; leave ${first} out`,
  );
}

/** Whether each planted fault turns its gate red. */
export async function selfTest(
  host: Host,
  { wishes, gates, rules, startTarget, json }: SelfTest,
): Promise<ExitCode> {
  const size = sizeWith(SELF_TEST_SIZE, wishes);
  await preflight(host, planOf("smoke", ["latency"], { connections: 2 * size.connections }), {
    hubHere: true,
    sides: 1,
  });
  const look = lookOf(host.stdout, host.env);
  return stoppable(host, async (signal, progress) => {
    const onTrial = (trial: Trial): void => {
      progress.pause();
      host.stdout.write(`${drawTrial(trial, look)}\n`);
    };
    const trials = await runSelfTest({ gates, size, rules, startTarget, progress, signal, onTrial }).catch(
      (error: unknown) => {
        throw error instanceof TargetDied ? new CommandFailed(exitCode.unreachable, error.message) : error;
      },
    );
    progress.pause();
    host.stdout.write(`\n${drawSelfTest(trials, look)}\n`);
    const outcome = outcomeOfAll(trials);
    if (json !== undefined) {
      await writeFile(resolve(host.cwd, json), `${JSON.stringify({ outcome, trials }, null, 1)}\n`);
    }
    return { found: exitCode.done, missed: exitCode.failed, inconclusive: exitCode.inconclusive }[outcome];
  });
}
