import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { describe } from "vitest";

/** Debian's; elsewhere the variable names another. */
export const PROGRAM = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
] as const;
const isThere = existsSync(PROGRAM);
if (!isThere && process.env.CI !== undefined) {
  throw new Error(`no ${PROGRAM}: these suites must run in CI; install Debian's chromium`);
}

/** A suite that drives Chromium; where there is none it is skipped, and its title says why. */
export function describeInChromium(title: string, suite: () => void): void {
  if (isThere) describe(title, suite);
  else describe.skip(`${title} (skipped: no ${PROGRAM}; \`apt-get install chromium\`)`, suite);
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: PROGRAM,
    args: [...ARGS],
  });
}
