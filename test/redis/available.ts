import { spawnSync } from "node:child_process";
import { describe } from "vitest";

/** null: there is none on this machine. */
function redisVersion(): string | null {
  const { status, stdout } = spawnSync("redis-server", ["--version"], { encoding: "utf8" });
  return status === 0 ? (/v=(\S+)/.exec(stdout)?.[1] ?? "unknown") : null;
}

const version = redisVersion();
if (version === null && process.env.CI !== undefined) {
  throw new Error("no redis-server on PATH: these suites must run in CI; install Debian's redis-server");
}

/** A suite that starts redis-server; where there is none it is skipped, and its title says why. */
export function describeWithRedis(title: string, suite: () => void): void {
  if (version === null) describe.skip(`${title} (skipped: no redis-server on PATH)`, suite);
  else describe(`${title} (Redis ${version})`, suite);
}
