import { Command, CommanderError } from "commander";
import { ConfigError } from "../config/errors.ts";
import { packageVersion } from "../package-version.ts";
import { createRedactor } from "../redact.ts";
import { addBench } from "./bench.ts";
import { addConfig } from "./config.ts";
import { CommandFailed, exitCode } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import { addServe } from "./serve.ts";
import { addSimulate } from "./simulate.ts";
import { addToken } from "./token.ts";
import { addWatch } from "./watch.ts";

/** Takes a command's exit code. */
export type End = (code: number) => void;

/** Runs the command that `host.argv` names and gives its exit code; errors have been written to stderr. */
export async function run(host: Host): Promise<number> {
  let code: number = exitCode.done;
  const end: End = (ended) => {
    code = ended;
  };
  try {
    await programOf(host, end).parseAsync(host.argv, { from: "user" });
    return code;
  } catch (error) {
    return report(error, host);
  }
}

function programOf(host: Host, end: End): Command {
  const program = new Command("progress-hub")
    .description("Live upload progress for every device of a user.")
    .version(packageVersion(), "-V, --version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      writeErr: (text) => host.stderr.write(text),
      getOutHelpWidth: () => host.stdout.columns ?? 100,
      getErrHelpWidth: () => host.stderr.columns ?? 100,
      outputError: (text, write) => write(text.replace(/^error: /, "progress-hub: ").replace(/\n\(/, " (")),
    })
    .addHelpText("after", `\nTry it: ${host.invocation} serve --dev`);
  addServe(program, host, end);
  addSimulate(program, host, end);
  addBench(program, host, end);
  addWatch(program, host, end);
  addToken(program, host);
  addConfig(program, host, end);
  return program;
}

function report(error: unknown, host: Host): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.usage;
  if (error instanceof ConfigError) {
    writeProblem(host, error.message);
    return exitCode.usage;
  }
  if (error instanceof CommandFailed) {
    writeProblem(host, error.message);
    return error.exitCode;
  }
  writeProblem(
    host,
    createRedactor()(
      `internal error; please report it\n${error instanceof Error ? error.stack : String(error)}`,
    ),
  );
  return exitCode.failed;
}

function writeProblem(host: Host, text: string): void {
  host.stderr.write(text.replace(/^(?! {4}at )/gm, "progress-hub: ").concat("\n"));
}
