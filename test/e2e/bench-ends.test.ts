import { afterEach, describe, expect, test } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { type BenchProcess, endBenches, startBench } from "./bench-process.ts";

afterEach(endBenches);

const RUN = ["connect", "latency", "--connections", "200", "--duration", "30s"];

function expectNothingLeft(bench: BenchProcess): void {
  // A socket lives no longer than the last process that holds it.
  expect(bench.processes()).toEqual([]);
  expect(bench.leftovers()).toEqual([]);
}

describe("Ctrl-C ends with 3, and nothing is left", () => {
  test.each(["connect connect", "latency measure"])("in %s", async (phase) => {
    const bench = startBench(...RUN);
    await bench.untilSaid(phase);
    expect(bench.processes().map(({ kind }) => kind)).toContain("primary");
    bench.child.kill("SIGINT");
    expect(await bench.ended()).toBe(3);
    expect(bench.err()).toContain("progress-hub: stopped; what was measured until then says nothing\n");
    expectNothingLeft(bench);
  });

  test("of a self-test too", async () => {
    const bench = startBench("--self-test", "--connections", "40");
    await bench.untilSaid("none: connect connect");
    bench.child.kill("SIGINT");
    expect(await bench.ended()).toBe(3);
    expect(bench.err()).toContain("progress-hub: stopped; what was measured until then says nothing\n");
    expectNothingLeft(bench);
  });

  test("at once when it is pressed again", async () => {
    const bench = startBench(...RUN);
    await bench.untilSaid("connect connect");
    bench.child.kill("SIGINT");
    bench.child.kill("SIGTERM");
    expect(await bench.ended()).toBe(3);
    await until(() => bench.processes().length === 0, "all are gone", 10_000);
    expectNothingLeft(bench);
  });
});

test("when it is killed, what it has started ends by itself", async () => {
  const bench = startBench(...RUN);
  await bench.untilSaid("latency warm-up");
  // Coordinator, primary, core, gateway, two generators, one for the canaries, emitter, keeper.
  expect(bench.processes().length).toBeGreaterThanOrEqual(8);
  expect(bench.leftovers()).toHaveLength(1);
  bench.child.kill("SIGKILL");
  expect(await bench.ended()).toBe("SIGKILL");
  await until(() => bench.processes().length === 0, "all are gone", 10_000);
  expectNothingLeft(bench);
});
