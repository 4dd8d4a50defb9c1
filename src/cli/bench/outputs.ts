import { appendFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { htmlOf } from "../../../bench/report/html/page.ts";
import { junitOf } from "../../../bench/report/junit.ts";
import { markdownOf } from "../../../bench/report/markdown.ts";
import type { BenchResult } from "../../../bench/result.ts";
import { codeOf } from "../../config/sources.ts";
import { CommandFailed, exitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";

export const OUTPUT_FORMATS = ["json", "markdown", "html", "junit"] as const;
type Format = (typeof OUTPUT_FORMATS)[number];

/** By format, the file it goes to. */
export type OutputFiles = { readonly [Name in Format]?: string };

const WRITERS: Readonly<Record<Format, (result: BenchResult) => string>> = {
  json: (result) => `${JSON.stringify(result, null, 1)}\n`,
  markdown: markdownOf,
  html: htmlOf,
  junit: junitOf,
};

/** Writes what was asked for, and the summary of a step where a CI has one. */
export async function writeOutputs(host: Host, files: OutputFiles, result: BenchResult): Promise<void> {
  for (const format of OUTPUT_FORMATS) {
    const file = files[format];
    if (file === undefined) continue;
    await written(`--${format} ${file}`, writeFile(resolve(host.cwd, file), WRITERS[format](result)));
    host.stdout.write(`${format}: ${file}\n`);
  }
  const summary = host.env.GITHUB_STEP_SUMMARY ?? "";
  if (summary !== "") await written("GITHUB_STEP_SUMMARY", appendFile(summary, markdownOf(result)));
}

async function written(what: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw new CommandFailed(exitCode.failed, `${what} can't be written (${codeOf(error)})`);
  }
}
