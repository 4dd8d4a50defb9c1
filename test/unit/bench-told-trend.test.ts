import { describe, expect, it } from "vitest";
import { CATALOGUE } from "../../bench/gates/catalogue.ts";
import { judge } from "../../bench/gates/judge.ts";
import { parseGates } from "../../bench/gates/parse.ts";
import { judgeConditions } from "../../bench/machine/validity.ts";
import { summaryOf, toldTrend } from "../../bench/metric.ts";

const figures = { count: 3, min: 1, avg: 2, med: 2, p90: 3, p99: 3, p999: 3, max: 3 };
const gates = parseGates(JSON.stringify({ "k6.socketio": ["p(99)<100"] }), CATALOGUE);

function outcomeOf(verdicts: readonly [string, { value: number | null; ok: boolean }][], conclusive = true) {
  const metrics = new Map([["socketio", toldTrend({ figures, verdicts: new Map(verdicts) })]]);
  return judge("k6", metrics, gates, { conclusive }).map(({ value, outcome }) => ({ value, outcome }));
}

describe("times that another tool has judged", () => {
  it("stand as it judged them, with what it compared", () => {
    expect(outcomeOf([["p(99)<100", { value: 3, ok: true }]])).toEqual([{ value: 3, outcome: "passed" }]);
    // Whatever our own arithmetic would say.
    expect(outcomeOf([["p(99)<100", { value: 3, ok: false }]])).toEqual([{ value: 3, outcome: "failed" }]);
  });

  it("fail without samples, and without a verdict, though the tool lets the former pass", () => {
    expect(outcomeOf([["p(99)<100", { value: null, ok: true }]])).toEqual([
      { value: null, outcome: "failed" },
    ]);
    expect(outcomeOf([["max<100", { value: 3, ok: true }]])).toEqual([{ value: null, outcome: "failed" }]);
  });

  it("say nothing of a busy machine, as when k6 itself was late", () => {
    expect(outcomeOf([["p(99)<100", { value: 300, ok: false }]], false)).toEqual([
      { value: 300, outcome: "inconclusive" },
    ]);
    const seen = { machine: null, loopDelayP99Ms: null, emitterLagP99Ms: null, rateReached: null };
    expect(judgeConditions({ ...seen, k6LagP99Ms: 20 }).conclusive).toBe(true);
    expect(judgeConditions({ ...seen, k6LagP99Ms: 21 })).toMatchObject({
      conclusive: false,
      reasons: [expect.stringContaining("k6 was 21.0 ms late")],
    });
  });

  it("are shown with the percentiles that are known of them", () => {
    expect(summaryOf(toldTrend({ figures, verdicts: new Map() }))).toMatchObject({
      type: "trend",
      p99: 3,
      curve: [
        [0, 1],
        [50, 2],
        [90, 3],
        [99, 3],
        [99.9, 3],
        [100, 3],
      ],
    });
  });
});
