import { describe, expect, test } from "vitest";
import { type ComparedRow, type Comparison, compareResults, rowsWith } from "../../bench/compare.ts";
import { counter, gauge, type Metric, rate } from "../../bench/metric.ts";
import { comparisonMarkdown, drawComparison } from "../../bench/report/comparison.ts";
import type { BenchResult } from "../../bench/result.ts";
import { fullResult, resultOf, scenarioOf } from "./bench-result.ts";

/** A run for each value, of one metric of a scenario. */
function runsOf(key: string, metrics: readonly Metric[], threshold: string | null = null): BenchResult[] {
  const [id = "", name = ""] = key.split(".");
  const gates = threshold === null ? {} : { [name]: [threshold] };
  return metrics.map((metric) => resultOf([scenarioOf({ id, metrics: { [name]: metric }, gates })]));
}

function rowOf(comparison: Comparison): ComparedRow {
  const [row, ...others] = comparison.scenarios.flatMap(({ rows }) => rows);
  expect(others).toEqual([]);
  if (row === undefined) throw new Error("no row");
  return row;
}

function costs(a: readonly number[], b: readonly number[]): ComparedRow {
  const [ofA, ofB] = [a, b].map((values) => values.map((value) => gauge(value, "µs")));
  return rowOf(
    compareResults(runsOf("cost.cpu_per_event", ofA ?? []), runsOf("cost.cpu_per_event", ofB ?? [])),
  );
}

describe("of runs of two sides", () => {
  test("the ratio is the median of the pairs', not of the sides'", () => {
    const row = costs([10, 20, 30, 40, 50], [11, 22, 33, 44, 55]);
    expect(row).toMatchObject({ a: 30, b: 33, statistic: "value", unit: "µs" });
    expect(row.ratio).toBeCloseTo(1.1);
    expect(row.verdict).toBe("worse");
  });

  test("worse takes a spread without 1 and a ratio that matters", () => {
    const ten = [10, 10, 10, 10, 10];
    expect(costs(ten, [11, 12, 13, 11, 12])).toMatchObject({
      ratio: 1.2,
      spread: [1.1, 1.3],
      verdict: "worse",
    });
    expect(costs(ten, [9, 12, 13, 11, 12]).verdict).toBe("unknown");
    expect(costs(ten, [10.2, 10.3, 10.2, 10.4, 10.3]).verdict).toBe("same");
    expect(costs(ten, [10.2, 10.3, 10.2, 11, 10.3]).verdict).toBe("unknown");
    expect(costs(ten, [8, 9, 7, 8, 9]).verdict).toBe("better");
    expect(costs(ten, ten)).toMatchObject({ ratio: 1, spread: [1, 1], verdict: "same" });
  });

  test("one odd pair of many moves neither ratio nor verdict", () => {
    const row = costs(
      Array.from({ length: 8 }, () => 10),
      [12, 12, 12, 12, 12, 12, 12, 2],
    );
    expect(row).toMatchObject({ ratio: 1.2, spread: [1.2, 1.2], verdict: "worse" });
  });

  test("fewer than five pairs tell nothing of a cost, and the comparison says so", () => {
    expect(costs([10, 10, 10, 10], [20, 20, 20, 20])).toMatchObject({
      ratio: 2,
      spread: [2, 2],
      verdict: "unknown",
    });
    const one = costs([10], [20]);
    expect(one).toMatchObject({ ratio: 2, spread: null, verdict: "unknown" });
    const { remarks } = compareResults([fullResult()], [fullResult()]);
    expect(remarks).toContain("1 pair: it takes at least 5 to tell a change of a time from chance.");
  });

  test("more is better where more is better, and neither where it is neither", () => {
    const side = (key: string, value: number) => runsOf(key, Array(5).fill(gauge(value)));
    const of = (key: string) => rowOf(compareResults(side(key, 100), side(key, 150))).verdict;
    expect(of("ladder.knee")).toBe("better");
    expect(of("slow.hub_memory")).toBe("worse");
    expect(of("realistic.conflation_ratio")).toBeNull();
  });

  test("correctness is told by how often it failed, from the first pair on", () => {
    const lost = (...counts: number[]) =>
      runsOf(
        "latency.lost",
        counts.map((count) => counter(count)),
        "count==0",
      );
    const verdictOf = (a: BenchResult[], b: BenchResult[]) => rowOf(compareResults(a, b)).verdict;
    expect(verdictOf(lost(0), lost(0))).toBe("same");
    expect(verdictOf(lost(0, 0, 0), lost(0, 1, 0))).toBe("worse");
    expect(verdictOf(lost(4), lost(0))).toBe("better");
    expect(verdictOf(lost(4), lost(3))).toBe("unknown");
    expect(rowOf(compareResults(lost(0), lost(3)))).toMatchObject({
      a: 0,
      b: 3,
      ratio: Number.POSITIVE_INFINITY,
    });
    const back = (passes: number) => runsOf("storm.back", [rate(passes, 10)]);
    expect(verdictOf(back(10), back(9))).toBe("worse");
    // A plain server knows no photos that could be foreign: that is no failure of it.
    const nothing = [resultOf([scenarioOf({ id: "latency", metrics: {} })])];
    expect(verdictOf(nothing, lost(0))).toBe("unknown");
  });

  test("a gate on what is not read anyway has a row of its own", () => {
    const [storm] = fullResult().scenarios.filter(({ id }) => id === "connect");
    if (storm === undefined) throw new Error("no scenario");
    const gate = {
      metric: "connect.connect_time",
      threshold: "p(95)<9",
      value: 5,
      outcome: "passed" as const,
    };
    const run = resultOf([{ ...storm, gates: [gate] }]);
    const rows = compareResults([run], [run]).scenarios[0]?.rows ?? [];
    expect(rows.filter(({ threshold }) => threshold !== null)).toEqual([
      expect.objectContaining({ metric: "connect_time", statistic: "p(95)", unit: "ms", a: 5, ratio: 1 }),
    ]);
  });

  test("pairs from a busy machine don't count for its times, and for correctness they do", () => {
    const side = (value: number, lost: number, conclusive: boolean) =>
      resultOf([
        scenarioOf({
          id: "slow",
          metrics: { hub_memory: gauge(value, "MiB"), lost: counter(lost) },
          gates: { lost: ["count==0"] },
          conclusive,
        }),
      ]);
    const [quietA, quietB] = [Array(5).fill(side(10, 0, true)), Array(5).fill(side(10, 0, true))];
    const comparison = compareResults([...quietA, side(10, 0, true)], [...quietB, side(90, 0, false)]);
    expect(comparison.remarks).toEqual([
      "slow: the times of 1 of 6 pairs don't count, the machine was too busy.",
    ]);
    expect(rowsWith(comparison, "same").map(([, { metric }]) => metric)).toEqual(["hub_memory", "lost"]);
    const busy = compareResults(Array(5).fill(side(10, 0, false)), Array(5).fill(side(90, 0, false)));
    expect(rowsWith(busy, "unknown").map(([, row]) => [row.metric, row.a, row.b])).toEqual([
      ["hub_memory", 10, 90],
    ]);
  });

  test("what else differs is said in words, and what is on one side alone is named", () => {
    const a = fullResult();
    const b = {
      ...a,
      machine: { ...a.machine, cores: 8, node: "v22.1.0" },
      hub: { version: "0.2.0", commit: null },
      profile: "full",
      scenarios: a.scenarios.slice(1),
    };
    expect(compareResults([a, a], [b]).remarks).toEqual([
      expect.stringMatching(
        /^The machines differ \(A .* 2 cores.*, B .* 8 cores.*\): times and costs can't be compared\.$/,
      ),
      "The Node versions differ (A v20.19.4, B v22.1.0).",
      "The commits differ (A 0.1.0 11e5e5d0c2, B 0.2.0).",
      "The profiles differ (A ci, B full): the loads are not the same.",
      "There are 2 runs of A and 1 of B: the first 1 of each are compared.",
      "1 pair: it takes at least 5 to tell a change of a time from chance.",
      "B has no connect.",
      "storm: the times of 1 of 1 pairs don't count, the machine was too busy.",
    ]);
    expect(() => compareResults([a], [])).toThrow(RangeError);
  });
});

describe("a comparison", () => {
  const faster = fullResult();
  const slower = fullResult();
  for (const scenario of slower.scenarios) {
    const cost = scenario.metrics.cpu_per_message;
    if (cost?.type === "gauge") cost.value *= 1.3;
  }
  const comparison = compareResults(Array(5).fill(faster), Array(5).fill(slower));

  test("fits the terminal and names what is worse at its end", () => {
    for (const columns of [80, 120]) {
      const text = drawComparison(comparison, { columns, color: false });
      for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(columns);
      expect(text).toMatch(/CPU per message +14\.9 µs +19\.4 µs +1\.30 +1\.30–1\.30 {2}worse/);
      expect(text).toMatch(/ {2}the same: established connections, our count/);
    }
    const closing = drawComparison(comparison, { columns: 80, color: false }).split("──\n")[1] ?? "";
    expect(closing).toMatch(/^5 pairs: 0 better, 1 worse, \d+ same, /);
    expect(closing).toContain("✗ cost: CPU per message 19.4 µs in B, 14.9 µs in A (×1.30)\n");
  });

  test("is Markdown too, with as many cells in each row", () => {
    const text = comparisonMarkdown(comparison);
    expect(text).toMatch(/^## Bench, B against A: 5 pairs: 0 better, 1 worse/);
    expect(text).toContain("- ❌ cost: CPU per message 19.4 µs in B, 14.9 µs in A (×1.30)");
    for (const row of text.split("\n").filter((line) => line.startsWith("|"))) {
      expect(row.split("|")).toHaveLength(9);
    }
  });
});
