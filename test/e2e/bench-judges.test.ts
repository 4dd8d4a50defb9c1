import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { ScenarioResult } from "../../bench/result.ts";
import { dropped, late, type Plant } from "../../bench/self-test/plant.ts";
import { proxied } from "../../bench/self-test/proxy.ts";
import { type Cluster, startCluster } from "../faults/cluster.ts";
import {
  type BenchProcess,
  endBenches,
  gateIn,
  scenarioIn,
  startBench,
  targetFlags,
  targetOf,
} from "./bench-process.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  endBenches();
  for (const close of closing.splice(0)) await close();
});

const TRANSPORTS = ["socketio", "websocket", "sse"] as const;

/** Bench of the hub through the fault. */
async function startBenchThrough(
  plant: Plant,
  hub: Cluster,
  ...argv: readonly string[]
): Promise<BenchProcess> {
  const target = await proxied(targetOf(hub), plant);
  closing.push(() => target.stop());
  const flags = targetFlags({ publicUrl: target.publicUrls[0] ?? "", internalUrl: hub.internalUrl });
  return startBench("latency", "--connections", "60", ...argv, ...flags);
}

/**
 * The hub was this late, whatever else: the figures say so on any machine. On one with time for it the gates do too, and
 * the code is 1; on a busy one it is 3, unless something is red that is no matter of time.
 */
function expectLate(latency: ScenarioResult, code: number | string, out: string, atLeastMs: number): void {
  const isBusy = latency.reasons.length > 0;
  for (const transport of TRANSPORTS) {
    const gate = gateIn(latency, transport);
    expect(gate.value).toBeGreaterThan(atLeastMs);
    expect(gate.outcome).toBe(isBusy ? "inconclusive" : "failed");
    if (!isBusy) expect(out).toMatch(/^✗ .*p99.*\d ms/m);
  }
  const isRed = latency.gates.some(({ outcome }) => outcome === "failed");
  expect(code).toBe(isRed ? 1 : 3);
  for (const metric of ["lost", "foreign", "disordered", "duplicate"]) {
    expect(gateIn(latency, metric)).toMatchObject({ value: 0, outcome: "passed" });
  }
}

describe("a hub that is not as it should be turns its gate red", () => {
  test("it stands still for 300 ms every 5 s: the latency of each transport", async () => {
    const hub = await startCluster("--workers", "0");
    const bench = startBench("latency", "--connections", "60", "--duration", "8s", ...targetFlags(hub));
    await bench.untilSaid("latency measure");
    const end = bench.ended();
    const stops = new AbortController();
    void end.finally(() => stops.abort());
    while (!stops.signal.aborted) {
      process.kill(hub.pid, "SIGSTOP");
      await wait(300);
      process.kill(hub.pid, "SIGCONT");
      await wait(4_700, undefined, { signal: stops.signal }).catch(() => undefined);
    }
    expectLate(scenarioIn(bench.result(), "latency"), await end, bench.out(), 100);
  });

  test("all it says is 150 ms late: the latency of each transport", async () => {
    const hub = await startCluster("--workers", "0");
    const bench = await startBenchThrough(late(150), hub, "--duration", "2s");
    const code = await bench.ended();
    expectLate(scenarioIn(bench.result(), "latency"), code, bench.out(), 150);
  });

  test("one of 99 messages is dropped: what is lost", async () => {
    const hub = await startCluster("--workers", "0");
    const bench = await startBenchThrough(dropped(99), hub, "--duration", "2s");
    expect(await bench.ended()).toBe(1);
    const latency = scenarioIn(bench.result(), "latency");
    const red = latency.gates.filter(({ outcome }) => outcome === "failed").map(({ metric }) => metric);
    expect(red).toEqual(["latency.lost"]);
    expect(gateIn(latency, "lost").value).toBeGreaterThan(0);
    expect(bench.out()).toMatch(/^✗ .*lost messages/m);
  });
});

const TIMES = ["socketio", "websocket", "sse", "canaries", "merged"].map((name) => `latency.${name}`);

const NAMES = ["none", "late", "dropped", "duplicated", "swapped", "foreign", "refused"];

/** Seven runs, on whatever machine. */
const SELF_TEST_TIMEOUT_MS = 160_000;

test("--self-test finds every fault, or says where the machine is too busy", {
  timeout: SELF_TEST_TIMEOUT_MS,
}, async () => {
  const bench = startBench("--self-test", "--connections", "60", "--duration", "1s", "--workers", "0");
  const code = await bench.ended();
  const trials = bench.trials();
  expect(trials.map(({ fault }) => fault)).toEqual(NAMES);
  // Other suites run beside this one, in bursts that a second of load does not always tell from a slow hub: times may be
  // red without a fault, so that a run can't be told from one on a slow machine. All else is told on any machine.
  expect(trials.filter(({ outcome }) => outcome === "missed")).toEqual([]);
  const outcomes = new Set(trials.map(({ outcome }) => outcome));
  expect(code).toBe(outcomes.has("inconclusive") ? 3 : 0);
  const reds = (one: (typeof trials)[number]) => one.red.map(({ metric }) => metric);
  for (const trial of trials.filter(({ fault }) => fault !== "late")) {
    expect(reds(trial).filter((metric) => !TIMES.includes(metric))).toEqual(trial.expected);
  }
  const dropped = trials.find(({ fault }) => fault === "dropped");
  expect(dropped).toMatchObject({ expected: ["latency.lost"], red: [{ metric: "latency.lost" }] });
  expect(bench.out()).toMatch(/^[✓?] dropped .*\n +to be red: latency\.lost\n +red: latency\.lost \d/m);
  expect(bench.processes()).toEqual([]);
  expect(bench.leftovers()).toEqual([]);
});
