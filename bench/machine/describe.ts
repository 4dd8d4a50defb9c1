import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { dirname } from "node:path";
import type { BenchResult } from "../result.ts";

export function describeMachine(): BenchResult["machine"] {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
  };
}

/** Of this checkout, with `-dirty` when a file that git knows was changed; null: it is none, or there is no git. */
export function describeCommit(
  folder = dirname(createRequire(import.meta.url).resolve("progress-hub/package.json")),
): string | null {
  try {
    // In node_modules of another checkout, the commit would be that of another program.
    if (git(folder, ["rev-parse", "--show-cdup"]) !== "") return null;
    return git(folder, ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]);
  } catch {
    return null;
  }
}

function git(folder: string, args: readonly string[]): string {
  return execFileSync("git", ["-C", folder, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}
