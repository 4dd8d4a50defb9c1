import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type BaselineFile, parseBaseline } from "../../../bench/gates/baseline.ts";
import { codeOf } from "../../config/sources.ts";
import { messageOf } from "../../message-of.ts";
import { CommandFailed, exitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { jsonOf } from "./outputs.ts";

export interface BaselineFlags {
  readonly baseline?: string;
  readonly writeBaseline?: string;
}

/** Undefined: none was named. */
export async function readBaseline(
  host: Host,
  { baseline }: BaselineFlags,
): Promise<BaselineFile | undefined> {
  if (baseline === undefined) return undefined;
  let json: string;
  try {
    json = await readFile(resolve(host.cwd, baseline), "utf8");
  } catch (error) {
    throw new CommandFailed(exitCode.usage, `--baseline ${baseline} can't be read (${codeOf(error)})`);
  }
  try {
    return parseBaseline(json);
  } catch (error) {
    throw new CommandFailed(exitCode.usage, `--baseline ${baseline} ${messageOf(error)}`);
  }
}

/** Where it was asked for. `isBusy`: the machine was, which makes figures that nothing should be held to. */
export async function writeBaseline(
  host: Host,
  { writeBaseline: file }: BaselineFlags,
  make: () => BaselineFile,
  isBusy: boolean,
): Promise<void> {
  if (file === undefined) return;
  try {
    await writeFile(resolve(host.cwd, file), jsonOf(make()));
  } catch (error) {
    throw new CommandFailed(exitCode.failed, `--write-baseline ${file} can't be written (${codeOf(error)})`);
  }
  if (isBusy) host.stderr.write(`warning: the machine was busy; measure again before you keep ${file}\n`);
  host.stdout.write(`baseline: ${file}\n`);
}
