import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { medianRatioOf, spreadOf } from "../../bench/compare/spread.ts";
import { type Comparison, compareResults } from "../../bench/compare.ts";
import { gauge } from "../../bench/metric.ts";
import { resultOf, scenarioOf } from "../unit/bench-result.ts";

const cost = fc.integer({ min: 1, max: 10_000 }).map((tenths) => tenths / 10);
const pairs = fc.array(fc.tuple(cost, cost), { minLength: 1, maxLength: 14 });

function compared(sides: readonly (readonly [number, number])[]): Comparison["scenarios"][number]["rows"] {
  const runs = (side: 0 | 1) =>
    sides.map((pair) => {
      return resultOf([scenarioOf({ id: "cost", metrics: { cpu_per_event: gauge(pair[side], "µs") } })]);
    });
  return compareResults(runs(0), runs(1)).scenarios.flatMap(({ rows }) => rows);
}

describe("a comparison of a cost", () => {
  it("tells the opposite when its sides are exchanged", () => {
    const opposite = { better: "worse", worse: "better", same: "same", unknown: "unknown" };
    fc.assert(
      fc.property(pairs, (sides) => {
        // At the very border the last digit of a division decides.
        const logs = sides.flatMap((one) =>
          sides.map((other) => Math.log((one[1] * other[1]) / (one[0] * other[0])) / 2),
        );
        fc.pre(logs.every((log) => Math.abs(Math.abs(log) - Math.log(1.05)) > 1e-9));
        const [there] = compared(sides);
        const [back] = compared(sides.map(([a, b]) => [b, a]));
        expect(back?.verdict).toBe(opposite[there?.verdict ?? "unknown"]);
      }),
    );
  });

  it("is never worse or better on fewer than five pairs, within 5 %, or when as many pairs say the one as the other", () => {
    fc.assert(
      fc.property(pairs, (sides) => {
        const [row] = compared(sides);
        const ratios = sides.map(([a, b]) => b / a);
        const up = ratios.filter((ratio) => ratio > 1).length;
        const small = Math.abs(Math.log(medianRatioOf(ratios) ?? 1)) <= Math.log(1.05);
        if (ratios.length >= 5 && !small && 2 * up !== ratios.length) return;
        expect(["same", "unknown"]).toContain(row?.verdict);
      }),
    );
  });

  it("has its median within its spread, whatever the order of the pairs", () => {
    fc.assert(
      fc.property(fc.array(cost, { minLength: 2, maxLength: 40 }), (ratios) => {
        const [least, most] = spreadOf(ratios) ?? [Number.NaN, Number.NaN];
        const median = medianRatioOf(ratios) ?? Number.NaN;
        expect(least <= median && median <= most).toBe(true);
        expect(spreadOf(ratios.toReversed())).toEqual([least, most]);
      }),
    );
  });
});
