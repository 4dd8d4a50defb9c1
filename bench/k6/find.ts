import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";

export const howToInstallK6 =
  "install k6 with `go install go.k6.io/k6@v1.8.1`, or the package named k6 of your system (grafana.com/docs/k6)";

const LOOK_TIMEOUT_MS = 10_000;

export interface FoundK6 {
  readonly path: string;
  /** `v1.8.1`. */
  readonly version: string;
}

/** On PATH, or where Go puts what it installs; a given path is the only one looked at. Null: there is none that runs. */
export function findK6(path?: string): FoundK6 | null {
  for (const candidate of path === undefined ? candidates() : [path]) {
    const version = /^k6\S* (v\S+)/.exec(outputOf(candidate, "version") ?? "")?.[1];
    if (version !== undefined) return { path: candidate, version };
  }
  return null;
}

function* candidates(): Generator<string> {
  yield "k6";
  const goPath = outputOf("go", "env", "GOPATH")?.trim();
  if (goPath) yield join(goPath, "bin", "k6");
  yield join(homedir(), "go", "bin", "k6");
}

/** Null: it isn't there, or it failed. */
function outputOf(command: string, ...args: readonly string[]): string | null {
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8", timeout: LOOK_TIMEOUT_MS });
  return status === 0 ? stdout : null;
}
