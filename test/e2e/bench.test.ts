import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { startCluster } from "../faults/cluster.ts";
import { endBenches, gateIn, scenarioIn, startBench, targetFlags } from "./bench-process.ts";

afterEach(endBenches);

const OUTPUTS = ["--html", "report.html", "--junit", "report.xml", "--markdown", "report.md"];

test("a small run ends with 0, or with 3 where the machine is busy, and leaves what was asked for", async () => {
  const bench = startBench("connect", "latency", "--connections", "40", "--duration", "2s", ...OUTPUTS);
  const code = await bench.ended();
  const result = bench.result();
  const busy = result.scenarios.flatMap(({ reasons }) => reasons);
  expect({ code, gates: result.scenarios.map(({ outcome }) => outcome) }).toEqual(
    busy.length === 0
      ? { code: 0, gates: ["passed", "passed"] }
      : { code: 3, gates: ["passed", "inconclusive"] },
  );
  expect(result.outcome).toBe(busy.length === 0 ? "passed" : "inconclusive");
  // What is no matter of time holds on any machine.
  for (const metric of ["established", "errors", "closes", "kernel"]) {
    expect(gateIn(scenarioIn(result, "connect"), metric).outcome).toBe("passed");
  }
  const latency = scenarioIn(result, "latency");
  for (const metric of ["lost", "foreign", "disordered", "duplicate", "closes"]) {
    expect(gateIn(latency, metric)).toMatchObject({ outcome: "passed", value: 0 });
  }
  for (const transport of ["socketio", "websocket", "sse"]) {
    expect(gateIn(latency, transport).value).toBeGreaterThan(0);
  }

  const text = (name: string) => readFileSync(join(bench.folder, name), "utf8");
  expect(text("report.html")).toMatch(/^<!doctype html>.*<\/html>\s*$/is);
  expect(text("report.xml")).toMatch(/^<\?xml .*<testsuites.*latency\.lost.*<\/testsuites>\s*$/s);
  expect(text("report.md")).toContain("latency");
  expect(text("summary.md")).toBe(text("report.md"));
  expect(bench.out()).toContain("stock clients, away from ours");
  expect(bench.processes()).toEqual([]);
  expect(bench.leftovers()).toEqual([]);
});

describe("what is wrong is said before any hub is started", () => {
  test("an unknown scenario ends with 2, and the nearest name", async () => {
    const bench = startBench("conect");
    expect(await bench.ended()).toBe(2);
    expect(bench.err()).toBe("progress-hub: conect is no scenario; did you mean connect?\n");
    expect(bench.out()).toBe("");
  });

  test("a wrong gate file ends with 2", async () => {
    const bench = startBench("connect", "--gates", "gates.json");
    writeFileSync(join(bench.folder, "gates.json"), '{"connect.errors": ["count=0"]}');
    expect(await bench.ended()).toBe(2);
    expect(bench.err()).toMatch(
      /^progress-hub: gates\.json: connect\.errors\[0\] "count=0" has "=", [^\n]*\n$/,
    );
    expect(bench.out()).toBe("");
  });
});

test("a gate that can't hold ends with 1, and is named", async () => {
  const bench = startBench("connect", "--connections", "8", "--gates", "gates.json");
  writeFileSync(
    join(bench.folder, "gates.json"),
    '{"connect.errors": ["count>0"], "connect.closes": ["count==0"]}',
  );
  expect(await bench.ended()).toBe(1);
  const result = bench.result();
  expect(scenarioIn(result, "connect").gates).toEqual([
    { metric: "connect.errors", threshold: "count>0", value: 0, outcome: "failed" },
    { metric: "connect.closes", threshold: "count==0", value: 0, outcome: "passed" },
  ]);
  expect(bench.out()).toMatch(/FAILED .*\n✗ .*connect errors/);
});

describe("a target that dies in the middle ends with 4", () => {
  test("one that bench has started", async () => {
    const bench = startBench("latency", "--connections", "20", "--duration", "30s");
    await bench.untilSaid("latency measure");
    const primary = bench.processes().find(({ kind }) => kind === "primary");
    process.kill(primary?.pid ?? 0, "SIGKILL");
    expect(await bench.ended()).toBe(4);
    expect(bench.err()).toContain("progress-hub: the target died: the hub ended (SIGKILL)");
    expect(scenarioIn(bench.result(), "latency").outcome).toBe("failed");
    expect(bench.processes()).toEqual([]);
    expect(bench.leftovers()).toEqual([]);
  });

  test("one that ran already", async () => {
    const hub = await startCluster("--workers", "0");
    const bench = startBench("latency", "--connections", "20", "--duration", "30s", ...targetFlags(hub));
    await bench.untilSaid("latency measure");
    process.kill(hub.pid, "SIGKILL");
    expect(await bench.ended()).toBe(4);
    expect(bench.err()).toMatch(/the target died: nobody answers at http:\S+ any more \(ECONN/);
    expect(bench.processes()).toEqual([]);
  });

  test("one that is not there has not even begun", async () => {
    const nowhere = { publicUrl: "http://127.0.0.1:1", internalUrl: "http://127.0.0.1:1" };
    const bench = startBench("latency", ...targetFlags(nowhere));
    expect(await bench.ended()).toBe(4);
    expect(bench.err()).toContain("can't reach http://127.0.0.1:1 (ECONNREFUSED)");
    expect(bench.out()).toBe("");
  });
});
