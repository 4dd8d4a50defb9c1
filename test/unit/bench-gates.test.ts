import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { CATALOGUE } from "../../bench/gates/catalogue.ts";
import { judge } from "../../bench/gates/judge.ts";
import { parseGates } from "../../bench/gates/parse.ts";
import { counter, gauge, type Metric, newHistogram, rate, trend } from "../../bench/metric.ts";
import { ConfigError } from "../../src/config/errors.ts";

function problemsOf(gates: unknown): readonly string[] {
  const json = typeof gates === "string" ? gates : JSON.stringify(gates);
  try {
    parseGates(json, CATALOGUE);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  return [];
}

function trendOf(...ms: readonly number[]): Metric {
  const histogram = newHistogram();
  for (const value of ms) histogram.recordValue(value * 1_000);
  return trend(histogram);
}

function outcomeOf(key: string, threshold: string, metric: Metric | null, conclusive = true): string {
  const [scenario = "", name = ""] = key.split(".");
  const gates = parseGates(JSON.stringify({ [key]: [threshold] }), CATALOGUE);
  const metrics = new Map(metric === null ? [] : [[name, metric]]);
  const verdicts = judge(scenario, metrics, gates, { conclusive, durationMs: 2_000 });
  expect(verdicts).toHaveLength(1);
  return `${verdicts[0]?.outcome} ${verdicts[0]?.value}`;
}

describe("gates.json", () => {
  test("as shipped names metrics that exist, and holds every transport to 100 ms", async () => {
    const json = await readFile(new URL("../../bench/gates.json", import.meta.url), "utf8");
    const gates = parseGates(json, CATALOGUE);
    const latency = gates.filter(({ scenario }) => scenario === "latency");
    for (const metric of ["socketio", "websocket", "sse"]) {
      expect(latency).toContainEqual(
        expect.objectContaining({ metric, threshold: expect.objectContaining({ text: "p(99)<100" }) }),
      );
    }
    for (const { metric, correctness, threshold } of gates.filter((gate) => gate.correctness)) {
      // Where nobody was held, nothing was tested.
      expect([correctness, threshold.operator]).toEqual([true, metric === "holds" ? ">" : "=="]);
    }
  });

  test("reports everything that is wrong at once, each with its place and what to do", () => {
    const problems = problemsOf({
      "latancy.sse": ["p(99)<100"],
      "latency.see": ["p(99)<100"],
      "latency.lost": ["p(99)==0", "count=0", "count==none"],
      "latency.sse": ["p(101)<100", "p99<100", "fast"],
      "storm.back": [],
      "storm.others": "p(99)<100",
      "connect.errors": [0],
    });
    expect(problems).toEqual([
      "gates.json: latancy.sse names no scenario; did you mean latency.sse?",
      "gates.json: latency.see names no metric of latency; did you mean latency.sse?",
      'gates.json: latency.lost[0] "p(99)==0" has "p(99)", which a counter has not; use count, rate',
      'gates.json: latency.lost[1] "count=0" has "=", which is no operator; use one of > >= < <= == === !=',
      'gates.json: latency.lost[2] "count==none" has "none", which is no number; write digits alone, in the metric\'s unit',
      'gates.json: latency.sse[0] "p(101)<100" has a percentile of 101; use one of 0 to 100',
      'gates.json: latency.sse[1] "p99<100" has "p99", which a trend has not; use avg, min, med, max, count, p(N)',
      'gates.json: latency.sse[2] "fast" is no threshold; write an aggregation, an operator and a number, such as "p(99)<100"',
      'gates.json: storm.back has no thresholds; give it a list of them, such as ["count==0"]',
      'gates.json: storm.others has no thresholds; give it a list of them, such as ["count==0"]',
      'gates.json: connect.errors[0] is no text; write the threshold alone, such as "count==0"',
    ]);
  });

  test("tells each of a threshold's wrong parts", () => {
    expect(problemsOf({ "latency.sse": ["mean=>fast"] })).toHaveLength(3);
  });

  test("refuses a name twice, of which JSON would keep the last without a word", () => {
    expect(problemsOf('{"latency.lost": ["count==0"], "latency.lost": ["count<9"]}')).toEqual([
      "gates.json: latency.lost is there twice, and only the last would count; put all its thresholds in one list",
    ]);
    expect(problemsOf({ "latency.lost": ["count==0", "count==0"] })).toHaveLength(1);
  });

  test("takes no property of every object for a metric", () => {
    expect(problemsOf({ "latency.constructor": ["count==0"], __proto__x: ["count==0"] })).toHaveLength(2);
  });

  test("says what is no JSON, and what is no object", () => {
    expect(problemsOf("{")).toEqual([expect.stringMatching(/^gates\.json is no JSON: /)]);
    for (const json of ["[]", "null", "3"]) expect(problemsOf(json)[0]).toContain("is no JSON object");
  });
});

describe("a gate", () => {
  test("is judged by what its aggregation says", () => {
    const times = trendOf(1, 2, 3, 4, 90);
    expect(outcomeOf("latency.sse", "p(99)<100", times)).toMatch(/^passed 9\d/);
    expect(outcomeOf("latency.sse", "max < 50", times)).toMatch(/^failed 9\d/);
    expect(outcomeOf("latency.sse", "med<=3.01", times)).toMatch(/^passed 3/);
    expect(outcomeOf("latency.sse", "min>0.9", times)).toMatch(/^passed (1|0.99)/);
    expect(outcomeOf("latency.sse", "avg>50", times)).toMatch(/^failed 20/);
    expect(outcomeOf("latency.sse", "count!=5", times)).toBe("failed 5");
    expect(outcomeOf("latency.lost", "count===0", counter(0))).toBe("passed 0");
    expect(outcomeOf("k6.messages", "rate>=50", counter(100))).toBe("passed 50");
    expect(outcomeOf("latency.canaries", "value<=5", gauge(5, "ms"))).toBe("passed 5");
    expect(outcomeOf("storm.back", "rate==1", rate(9, 10))).toBe("failed 0.9");
  });

  test("fails without a sample, also on a busy machine", () => {
    for (const conclusive of [true, false]) {
      expect(outcomeOf("latency.sse", "p(99)<100", null, conclusive)).toBe("failed null");
      expect(outcomeOf("latency.sse", "p(99)<100", trendOf(), conclusive)).toBe("failed null");
      expect(outcomeOf("latency.sse", "count==0", trendOf(), conclusive)).toBe("failed null");
      expect(outcomeOf("latency.lost", "count==0", null, conclusive)).toBe("failed null");
      expect(outcomeOf("storm.back", "rate!=1", rate(0, 0), conclusive)).toBe("failed null");
      expect(outcomeOf("latency.canaries", "value!=1", gauge(Number.NaN), conclusive)).toBe("failed null");
    }
  });

  test("on a time says nothing either way when the machine was busy, and one on correctness says the same", () => {
    expect(outcomeOf("latency.sse", "p(99)<100", trendOf(5), false)).toMatch(/^inconclusive/);
    expect(outcomeOf("latency.sse", "p(99)<100", trendOf(500), false)).toMatch(/^inconclusive/);
    expect(outcomeOf("slow.hub_memory", "value<64", gauge(90, "MiB"), false)).toBe("inconclusive 90");
    expect(outcomeOf("latency.lost", "count==0", counter(0), false)).toBe("passed 0");
    expect(outcomeOf("latency.lost", "count==0", counter(1), false)).toBe("failed 1");
  });

  test("is judged with its own scenario alone, also where a metric has a dot", () => {
    const json = '{"cost.idle.sse": ["value<20"], "latency.lost": ["count==0"]}';
    const metrics = new Map([["idle.sse", gauge(12, "KiB")]]);
    const known = new Map(CATALOGUE);
    const one = { type: "gauge", title: "idle", correctness: false, better: "lower" } as const;
    known.set("cost", new Map([["idle.sse", one]]));
    expect(judge("cost", metrics, parseGates(json, known), { conclusive: true })).toEqual([
      {
        metric: "cost.idle.sse",
        threshold: "value<20",
        value: 12,
        outcome: "passed",
      },
    ]);
  });
});
