import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { compareResults, isWorse } from "../../../bench/compare.ts";
import { comparisonMarkdown, drawComparison } from "../../../bench/report/comparison.ts";
import { comparisonHtml } from "../../../bench/report/html/comparison.ts";
import { vsHtml } from "../../../bench/report/html/vs.ts";
import { lookOf } from "../../../bench/report/terminal.ts";
import { drawVs, vsMarkdown } from "../../../bench/report/vs.ts";
import type { BenchResult } from "../../../bench/result.ts";
import { parseResultFile, type ResultFile, UnreadableResult } from "../../../bench/result-file.ts";
import { codeOf } from "../../config/sources.ts";
import { CommandFailed, type ExitCode, exitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import type { End } from "../main.ts";
import { refuseStray, takesAnything } from "../options.ts";
import { writeFiles } from "./outputs.ts";
import { codeFor } from "./stoppable.ts";

interface Options {
  readonly with?: readonly string[];
  readonly markdown?: string;
  readonly html?: string;
}

const HELP = `
Files are what bench --json has written. Without --with it takes two: A and B. With it, those before it are of A and those
after it are of B: the n-th of A is held against the n-th of B, so run both sides in turn, with the order turned each time
(A B, B A, A B...). It takes 5 of each to tell a change of a time or a cost from chance. A file of --vs stands for all its
runs of the hub, and alone is drawn again.

Exit codes: 0 B is the same or better, or can't be told from A; 1 it is worse in what a gate is on, or broke; 2 wrong files.

Examples:
  progress-hub bench compare before.json after.json
  progress-hub bench compare before-?.json --with after-?.json --markdown comparison.md`;

/** `bench compare`, which runs nothing. */
export function addCompare(bench: Command, host: Host, end: End): void {
  const command = takesAnything(bench.command("compare"))
    .description("compares results of two sides")
    .argument("<file...>", "results of A, and without --with one of B")
    .option("--with <file...>", "results of B")
    .option("--markdown <file>", "writes the comparison as markdown")
    .option("--html <file>", "writes the comparison as html")
    .addHelpText("after", HELP);
  command.action(async (files: readonly string[]) => {
    refuseStray(command, files.length);
    refuseOthers(bench, command);
    // What both have, `bench` has taken.
    end(await compare(host, files, command.optsWithGlobals<Options>()));
  });
}

/** Flags of `bench` that mean nothing here. */
function refuseOthers(bench: Command, command: Command): void {
  const own = command.options.map(({ long }) => long);
  const strays = bench.options.filter(
    (option) => bench.getOptionValueSource(option.attributeName()) === "cli" && !own.includes(option.long),
  );
  if (strays.length === 0) return;
  const flags = strays.map(({ long }) => long).join(" ");
  throw new CommandFailed(exitCode.usage, `${flags}: not for compare, which runs nothing; leave it out`);
}

async function compare(host: Host, files: readonly string[], options: Options): Promise<ExitCode> {
  const look = lookOf(host.stdout, host.env);
  const [named, others] = [await readAll(host, files), await readAll(host, options.with ?? [])];
  const [only] = named;
  if (only?.kind === "vs" && named.length + others.length === 1) {
    host.stdout.write(drawVs(only.result, look));
    await writeFiles(host, options, {
      markdown: () => vsMarkdown(only.result),
      html: () => vsHtml(only.result),
    });
    return codeFor(only.result);
  }
  const [a, b] = sidesOf(named, others);
  const comparison = compareResults(runsOf(a), runsOf(b));
  host.stdout.write(drawComparison(comparison, look));
  await writeFiles(host, options, {
    markdown: () => comparisonMarkdown(comparison),
    html: () => comparisonHtml(comparison),
  });
  return isWorse(comparison) ? exitCode.failed : exitCode.done;
}

function sidesOf(
  files: readonly ResultFile[],
  others: readonly ResultFile[],
): readonly [a: readonly ResultFile[], b: readonly ResultFile[]] {
  if (others.length > 0) return [files, others];
  const [a, b, ...more] = files;
  if (a !== undefined && b !== undefined && more.length === 0) return [[a], [b]];
  throw new CommandFailed(
    exitCode.usage,
    `compare takes two files, not ${files.length}; for several a side, write --with before those of B`,
  );
}

/** Of `--vs` the runs of the hub. */
function runsOf(files: readonly ResultFile[]): readonly BenchResult[] {
  return files.flatMap((file) => (file.kind === "vs" ? file.result.runs.hub : [file.result]));
}

/** Throws with every file that can't be read. */
async function readAll(host: Host, files: readonly string[]): Promise<readonly ResultFile[]> {
  const problems: string[] = [];
  const results: ResultFile[] = [];
  for (const file of files) {
    try {
      results.push(parseResultFile(await readFile(resolve(host.cwd, file), "utf8")));
    } catch (error) {
      problems.push(
        error instanceof UnreadableResult
          ? `${file} ${error.message}`
          : `${file} can't be read (${codeOf(error)})`,
      );
    }
  }
  if (problems.length > 0) throw new CommandFailed(exitCode.usage, problems.join("\n"));
  return results;
}
