import { spawnSync } from "node:child_process";
import { describe } from "vitest";

/** null: there is none on this machine. */
function nginxVersion(): string | null {
  // It tells it on stderr.
  const { status, stderr } = spawnSync("nginx", ["-v"], { encoding: "utf8" });
  return status === 0 ? (/nginx\/(\S+)/.exec(stderr)?.[1] ?? "unknown") : null;
}

const version = nginxVersion();
if (version === null && process.env.CI !== undefined) {
  throw new Error("no nginx on PATH: these suites must run in CI; install Debian's nginx-light");
}

/** A suite that starts nginx; where there is none it is skipped, and its title says why. */
export function describeWithNginx(title: string, suite: () => void): void {
  if (version === null) describe.skip(`${title} (skipped: no nginx on PATH)`, suite);
  else describe(`${title} (nginx ${version})`, suite);
}
