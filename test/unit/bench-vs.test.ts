import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CATALOGUE } from "../../bench/gates/catalogue.ts";
import { parseGates } from "../../bench/gates/parse.ts";
import { clientAt } from "../../bench/load/population.ts";
import { counter, gauge, trend } from "../../bench/metric.ts";
import { vsHtml } from "../../bench/report/html/vs.ts";
import { drawVs, vsMarkdown } from "../../bench/report/vs.ts";
import { vsJunit } from "../../bench/report/vs-junit.ts";
import type { BenchResult } from "../../bench/result.ts";
import { vsPlanOf } from "../../bench/sizes.ts";
import { ratiosOf } from "../../bench/vs/ratios.ts";
import type { Ratio, VsResult } from "../../bench/vs/result.ts";
import { resultOf, scenarioOf, seeded, times } from "./bench-result.ts";
import { command } from "./cli-harness.ts";

const folder = mkdtempSync(join(tmpdir(), "progress-hub-vs-"));
afterAll(() => rmSync(folder, { recursive: true }));

const TWICE = gatesOf({ "vs.bare-relay.cpu_per_event": ["value<=2"] });
const LOAD = { connections: { socketio: 0, websocket: 2_000, sse: 0 }, eventsPerSecond: 5_000 };

function gatesOf(gates: Readonly<Record<string, readonly string[]>>) {
  return parseGates(JSON.stringify(gates), CATALOGUE);
}

interface Costs {
  readonly us?: number;
  readonly medianMs?: number;
  readonly lost?: number;
  readonly isBusy?: boolean;
}

function run({ us = 30, medianMs = 2, lost = 0, isBusy = false }: Costs): BenchResult {
  const metrics = {
    websocket: trend(times(medianMs, 300, seeded(3))),
    cpu_per_event: gauge(us, "µs"),
    lost: counter(lost),
  };
  const reasons = isBusy ? ["Other processes had this machine's CPUs for 40 % of the time: stop them."] : [];
  const gates = { lost: ["count==0"] };
  return resultOf([
    scenarioOf({ id: "cost", variant: "websocket", metrics, gates, more: { load: LOAD, reasons } }),
  ]);
}

const runs = (costs: readonly number[]) => costs.map((us) => run({ us }));
const THIRTY = runs([30, 30, 30, 30, 30]);

function ratioOf(
  name: string,
  hub: readonly BenchResult[],
  other: readonly BenchResult[],
  gates = TWICE,
): Ratio {
  const ratio = ratiosOf("bare-relay", hub, other, gates)[0]?.ratios.find(({ metric }) => metric === name);
  if (ratio === undefined) throw new Error(`no ratio of ${name}`);
  return ratio;
}

function outcomesOf(hub: readonly BenchResult[], other = THIRTY): readonly string[] {
  return ratioOf("cpu_per_event", hub, other).bars.map(({ outcome }) => outcome);
}

describe("ratios of a hub to a baseline", () => {
  test("are medians of the pairs', with their spread and what both sides were", () => {
    expect(ratioOf("cpu_per_event", runs([45, 48, 42, 51, 45]), THIRTY)).toEqual({
      ...{ metric: "cpu_per_event", transport: null, unit: "µs", hub: 45, baseline: 30 },
      ...{ ratio: 1.5, spread: [1.4, 1.7], pairs: 5 },
      bars: [{ threshold: "value<=2", outcome: "passed" }],
    });
  });

  test("are of the rounds in which the machine was quiet, where both sides took turns", () => {
    // As if the baseline took twice as much wherever the machine had no time for it.
    const taking = (quietUs: number, busyUs: number, quiet: readonly boolean[]): BenchResult => {
      const rounds = quiet.map((isQuiet) => ({ cpuUs: isQuiet ? quietUs : busyUs, isQuiet }));
      const us = rounds.reduce((sum, { cpuUs }) => sum + cpuUs, 0) / rounds.length;
      const { scenarios, ...result } = run({ us, isBusy: true });
      return { ...result, scenarios: scenarios.map((scenario) => ({ ...scenario, rounds })) };
    };
    const five = (result: BenchResult) => Array.from({ length: 5 }, () => result);
    const some = [true, false, true, false, true];
    const told = ratioOf("cpu_per_event", five(taking(60, 60, some)), five(taking(30, 60, some)));
    expect(told.ratio).toBeCloseTo(2, 6);
    expect([told.hub, told.baseline].map((us) => Math.round(us ?? 0))).toEqual([60, 30]);
    expect(told.bars).toEqual([{ threshold: "value<=2", outcome: "passed" }]);
    // On one side alone is not enough, and two rounds are too few.
    const few = [true, false, true, false, false];
    for (const other of [few, some.map((isQuiet) => !isQuiet)]) {
      const open = ratioOf("cpu_per_event", five(taking(60, 60, some)), five(taking(30, 60, other)));
      expect(open.bars).toEqual([{ threshold: "value<=2", outcome: "inconclusive" }]);
    }
    // Pairs that have too few are left out, and five are needed without them.
    const hub = taking(60, 60, some);
    const telling = Array.from({ length: 5 }, () => taking(30, 30, some));
    const mute = [taking(50, 50, few), taking(40, 40, few)];
    const hubs = Array.from({ length: 7 }, () => hub);
    expect(ratioOf("cpu_per_event", hubs, [...telling, ...mute])).toMatchObject({
      ...{ ratio: 2, spread: [2, 2], pairs: 5 },
      bars: [{ outcome: "passed" }],
    });
    expect(ratioOf("cpu_per_event", hubs.slice(1), [...telling.slice(1), ...mute])).toMatchObject({
      ...{ ratio: 2, pairs: 4 },
      bars: [{ outcome: "inconclusive" }],
    });
  });

  test("of memory count however busy the machine was, those of CPU do not", () => {
    const busy = runs([45, 45, 45, 45, 45]).map(({ scenarios, ...result }) => ({
      ...result,
      scenarios: scenarios.map((scenario) => ({
        ...scenario,
        reasons: ["Other processes had this machine's CPUs for 40 % of the time: stop them."],
        metrics: {
          ...scenario.metrics,
          pss_per_connection_idle: { type: "gauge", value: 10, unit: "KiB" } as const,
        },
      })),
    }));
    const gates = gatesOf({
      "vs.bare-relay.cpu_per_event": ["value<=2"],
      "vs.bare-relay.pss_per_connection_idle": ["value<=2"],
    });
    const outcomeOf = (name: string) => ratioOf(name, busy, busy, gates).bars[0]?.outcome;
    expect([outcomeOf("cpu_per_event"), outcomeOf("pss_per_connection_idle")]).toEqual([
      "inconclusive",
      "passed",
    ]);
  });

  test("meet a bar or miss it only where all of the spread does", () => {
    expect(outcomesOf(runs([45, 48, 42, 51, 45]))).toEqual(["passed"]);
    expect(outcomesOf(runs([63, 69, 66, 75, 72]))).toEqual(["failed"]);
    expect(outcomesOf(runs([57, 63, 54, 66, 60]))).toEqual(["inconclusive"]);
    expect(outcomesOf(runs([10, 10, 10, 10]))).toEqual(["inconclusive"]);
  });

  test("hold only gates of the baseline that was there", () => {
    expect(
      ratioOf("cpu_per_event", THIRTY, THIRTY, gatesOf({ "vs.plain-socketio.cpu_per_event": ["value<1"] }))
        .bars,
    ).toEqual([]);
  });

  test("that can't be made miss their bar", () => {
    const without = THIRTY.map(() => resultOf([scenarioOf({ id: "cost", metrics: {} })]));
    expect(outcomesOf(THIRTY, without)).toEqual(["failed"]);
    expect(ratioOf("cpu_per_event", THIRTY, without)).toMatchObject({ hub: 30, baseline: null, ratio: null });
  });

  test("of a machine that was busy for most pairs tell nothing", () => {
    const busy = (us: number) => Array.from({ length: 5 }, () => run({ us, isBusy: true }));
    expect([outcomesOf(busy(45)), outcomesOf(busy(75))]).toEqual([["inconclusive"], ["inconclusive"]]);
    expect(outcomesOf([...busy(75).slice(0, 2), ...runs([75, 75, 75])])).toEqual(["failed"]);
  });

  test("count a busy pair for its costs, and not for its times", () => {
    const hub = [...runs([45, 45, 45, 45, 45]), run({ us: 45, medianMs: 200, isBusy: true })];
    const other = [...THIRTY, run({})];
    expect(ratioOf("cpu_per_event", hub, other).pairs).toBe(6);
    const p99 = ratioOf("p99", hub, other, gatesOf({ "vs.bare-relay.p99": ["value<=2"] }));
    expect(p99).toMatchObject({ transport: "websocket", pairs: 5, ratio: 1, bars: [{ outcome: "passed" }] });
    const all = ratioOf("p99", hub.slice(5), other.slice(5), gatesOf({ "vs.bare-relay.p99": ["value<=2"] }));
    expect(all).toMatchObject({ pairs: 0, bars: [{ outcome: "inconclusive" }] });
    expect(all.ratio).toBeGreaterThan(50);
  });
});

function resultAt(us: number, more: Partial<VsResult> = {}): VsResult {
  const hub = runs([us, us, us, us, us]);
  const scenarios = ratiosOf("bare-relay", hub, THIRTY, TWICE);
  return {
    ...{ kind: "vs", version: 1, command: "progress-hub bench --vs bare-relay", profile: "ci" },
    ...{ startedAt: "2026-11-23T10:00:00.000Z", durationMs: 300_000, baseline: "bare-relay" },
    ...{ outcome: us > 60 ? "failed" : "passed", scenarios, remarks: [] },
    runs: { hub, baseline: THIRTY },
    ...more,
  };
}

describe("a result of --vs", () => {
  test("is a table of ratios, and what they come to", () => {
    for (const columns of [80, 100]) {
      const text = drawVs(resultAt(45), { columns, color: false });
      expect(text).toMatch(/CPU per event +45 µs +30 µs +1\.50 +1\.50–1\.50 {2}✓ ≤ 2\n/);
      expect(text).toContain(" PASSED  The only bar against bare-relay is met\n");
      for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(columns);
    }
    const red = drawVs(resultAt(75), { columns: 100, color: false });
    expect(red).toContain(" FAILED  1 of 1 bar against bare-relay is not met\n");
    expect(red).toContain(
      "✗ cost · websocket: CPU per event ×2.50 of bare-relay (2.50–2.50), should be ≤ 2\n",
    );
  });

  test("names of several bars on one ratio the one that decides", () => {
    const both = gatesOf({ "vs.bare-relay.cpu_per_event": ["value<=2", "value<=1.234"] });
    const scenarios = ratiosOf("bare-relay", runs([45, 45, 45, 45, 45]), THIRTY, both);
    const text = drawVs(resultAt(45, { scenarios, outcome: "failed" }), { columns: 80, color: false });
    expect(text).toMatch(/ {2}✗ ≤ 1\.23\n/);
    expect(text).toContain("1 of 2 bars against bare-relay is not met");
    for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test("counts the hub's own gates", () => {
    const result = resultAt(45, { outcome: "failed" });
    const hub = [...result.runs.hub.slice(1), run({ us: 45, lost: 2 })];
    const text = drawVs({ ...result, runs: { ...result.runs, hub } }, { columns: 100, color: false });
    expect(text).toContain(" FAILED  The hub failed by itself, whatever its ratios against bare-relay\n");
    expect(text).toContain("✗ cost · websocket: lost messages 2, should be 0\n");
  });

  test("is Markdown, a page and JUnit too", () => {
    const result = resultAt(75);
    expect(vsMarkdown(result)).toContain(
      "| CPU per event | 75 µs | 30 µs | 2.50 | 2.50–2.50 | ❌ ≤ 2 | value&lt;=2 |",
    );
    const page = vsHtml(result);
    expect(page.slice(0, page.indexOf("<script>")).match(/NaN|Infinity|undefined|null/g)).toBeNull();
    expect(page).toContain('<span class="chip failed">≤ 2</span>');
    const xml = vsJunit(result);
    expect(xml).toContain('tests="6" failures="1"');
    expect(xml).toContain('name="vs.bare-relay.cpu_per_event value&lt;=2 (cost · websocket)"');
  });

  test("is read again by compare: alone its ratios, beside another its runs of the hub", async () => {
    const [before, after] = [30, 45].map((us) => {
      const path = join(folder, `${us}.json`);
      writeFileSync(path, JSON.stringify(resultAt(us)));
      return path;
    });
    const page = join(folder, "vs.html");
    const alone = await command(["bench", "compare", after ?? "", "--html", page]);
    expect([alone.code, alone.err]).toEqual([0, ""]);
    expect(alone.out).toContain("The only bar against bare-relay is met");
    expect(readFileSync(page, "utf8")).toContain("<title>The only bar against bare-relay is met");
    const both = await command(["bench", "compare", before ?? "", after ?? ""]);
    expect(both.out).toContain("✗ cost · websocket: CPU per event 45 µs in B, 30 µs in A (×1.50)");
    expect(both.code).toBe(0);
    const old = join(folder, "old.json");
    writeFileSync(old, JSON.stringify({ ...resultAt(30), version: 7 }));
    expect((await command(["bench", "compare", old])).err).toContain("is a result of version 7");
  });
});

describe("bench --vs", () => {
  test("refuses what it can't do before anything is started", async () => {
    for (const [args, why] of [
      [["--vs", "nginx"], /Allowed choices are plain-socketio, bare-relay/],
      [["--vs", "bare-relay", "storm"], /--vs measures cost and latency, not storm/],
      [["--vs", "bare-relay", "--target", "http://127.0.0.1:1"], /leave --target and --internal out/],
      [["--vs", "bare-relay", "--pairs", "0"], /--pairs must be a whole number from 1 to 100/],
      [["latency", "--pairs", "3"], /--pairs is for --vs/],
    ] as const) {
      const { code, err } = await command(["bench", ...args]);
      expect([code, err]).toEqual([2, expect.stringMatching(why)]);
    }
  });

  test("takes enough connections for their memory to mean something", () => {
    for (const profile of ["smoke", "ci", "full", "soak"] as const) {
      expect(vsPlanOf(profile, ["cost"], {})[0]?.size.connections).toBeGreaterThanOrEqual(2_000);
    }
    expect(vsPlanOf("ci", ["cost"], { connections: 40 })[0]?.size.rates).toEqual([80]);
  });

  test("gives somebody's devices only transports that there are", () => {
    const population = {
      run: "r",
      connections: 9,
      usersWithDevices: 3,
      devices: 3,
      mix: ["socketio"] as const,
    };
    for (let client = 0; client < 9; client += 1) {
      expect(clientAt(population, client).transport).toBe("socketio");
    }
  });
});
