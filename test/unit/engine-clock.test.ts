import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { systemClock } from "../../src/engine/clock.ts";

it("has a monotonic time that compares with that of a process begun later", () => {
  const program = "console.log(Number(process.hrtime.bigint()) / 1e6)";
  const beforeMs = systemClock.monotonicMs();
  const elsewhereMs = Number(execFileSync(process.execPath, ["-e", program], { encoding: "utf8" }));
  expect(elsewhereMs).toBeGreaterThan(beforeMs);
  expect(elsewhereMs).toBeLessThan(systemClock.monotonicMs());
});
