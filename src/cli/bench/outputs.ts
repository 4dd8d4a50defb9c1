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

/** What there is to write, by format; none is made unless it is asked for. */
type Writers = { readonly [Name in Format]?: () => string };

/** Writes what was asked for, and the summary of a step where a CI has one. */
export async function writeOutputs(host: Host, files: OutputFiles, result: BenchResult): Promise<void> {
  await writeFiles(host, files, {
    json: () => jsonOf(result),
    markdown: () => markdownOf(result),
    html: () => htmlOf(result),
    junit: () => junitOf(result),
  });
}

/** The same of something else than one result. Markdown goes to the summary of a step as well. */
export async function writeFiles(host: Host, files: OutputFiles, writers: Writers): Promise<void> {
  for (const format of OUTPUT_FORMATS) {
    const [file, write] = [files[format], writers[format]];
    if (file === undefined || write === undefined) continue;
    await written(`--${format} ${file}`, writeFile(resolve(host.cwd, file), write()));
    host.stdout.write(`${format}: ${file}\n`);
  }
  const summary = host.env.GITHUB_STEP_SUMMARY ?? "";
  if (summary === "" || writers.markdown === undefined) return;
  await written("GITHUB_STEP_SUMMARY", appendFile(summary, writers.markdown()));
}

export function jsonOf(value: object): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}

async function written(what: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw new CommandFailed(exitCode.failed, `${what} can't be written (${codeOf(error)})`);
  }
}
