import { describe } from "vitest";
import { findK6, howToInstallK6 } from "../../bench/k6/find.ts";

const k6 = findK6();
if (k6 === null && process.env.CI !== undefined) {
  throw new Error(`no k6 on PATH or among Go's binaries: these suites must run in CI; ${howToInstallK6}`);
}

/** A suite that runs k6; where there is none it is skipped, and its title says why. */
export function describeWithK6(title: string, suite: () => void): void {
  if (k6 === null) describe.skip(`${title} (skipped: no k6 on PATH or among Go's binaries)`, suite);
  else describe(`${title} (k6 ${k6.version})`, suite);
}
