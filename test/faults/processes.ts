import { readdirSync } from "node:fs";
import { readProc } from "../../bench/machine/proc.ts";
import { type HubProcessInfo, processInfo } from "../../bench/machine/processes.ts";

/** All processes with this in their environment, orphans too. */
export function processesMarked(mark: string): readonly HubProcessInfo[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && (readProc(`/proc/${name}/environ`) ?? "").includes(mark))
    .map((name) => processInfo(Number(name)))
    .filter((info) => info !== null);
}
