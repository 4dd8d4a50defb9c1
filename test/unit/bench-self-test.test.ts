import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CATALOGUE } from "../../bench/gates/catalogue.ts";
import { parseGates } from "../../bench/gates/parse.ts";
import type { GateVerdict, ScenarioResult } from "../../bench/result.ts";
import { drawSelfTest, drawTrial } from "../../bench/self-test/draw.ts";
import { FAULTS, type Fault } from "../../bench/self-test/faults.ts";
import { none } from "../../bench/self-test/plant.ts";
import { judgeTrial, outcomeOfAll, type Trial } from "../../bench/self-test/verdict.ts";
import { command } from "./cli-harness.ts";

type Outcome = GateVerdict["outcome"];

const gate = (metric: string, outcome: Outcome): GateVerdict => ({
  metric,
  threshold: "count==0",
  value: 1,
  outcome,
});
const gatesOf = (outcomes: Readonly<Record<string, Outcome>>) =>
  Object.entries(outcomes).map(([metric, outcome]) => gate(metric, outcome));

function scenario(
  outcomes: Readonly<Record<string, Outcome>>,
  reasons: readonly string[] = [],
): ScenarioResult {
  const gates = gatesOf(outcomes);
  const worst = (["failed", "inconclusive"] as const).find((one) =>
    gates.some(({ outcome }) => outcome === one),
  );
  return {
    ...{ id: "latency", variant: null, title: "", outcome: worst ?? "passed", reasons: [...reasons] },
    ...{ durationMs: 1, phases: [], load: { connections: {}, eventsPerSecond: null } },
    ...{ metrics: {}, gates, series: [], stages: [], notes: [] },
  };
}

const fault = (gates: readonly string[]): Fault => ({
  id: "f",
  about: "",
  gates,
  scenarios: ["latency"],
  plant: none,
});
const isOfTime = (metric: string) => metric === "late";
const GREEN = gatesOf({ late: "passed", lost: "passed" });
const BUSY = gatesOf({ late: "inconclusive", lost: "passed" });

describe("a fault", () => {
  test.each<
    [
      string,
      readonly string[],
      Readonly<Record<string, Outcome>>,
      readonly GateVerdict[] | null,
      Trial["outcome"],
    ]
  >([
    ["is found by its gate", ["lost"], { lost: "failed", late: "passed" }, GREEN, "found"],
    [
      "is found by its gate on a busy machine",
      ["lost"],
      { lost: "failed", late: "inconclusive" },
      BUSY,
      "found",
    ],
    ["is missed where its gate is green", ["lost"], { lost: "passed", late: "passed" }, GREEN, "missed"],
    [
      "is missed where one of its gates is green",
      ["lost", "late"],
      { lost: "failed", late: "passed" },
      GREEN,
      "missed",
    ],
    ["is missed where its gate is not there", ["foreign"], { lost: "passed" }, GREEN, "missed"],
    [
      "is mistaken where another gate is red too",
      ["lost"],
      { lost: "failed", foreign: "failed" },
      GREEN,
      "missed",
    ],
    [
      "can't be told from a slow machine where a time is red too",
      ["lost"],
      { lost: "failed", late: "failed" },
      GREEN,
      "inconclusive",
    ],
    [
      "can't be told where its gate can't",
      ["late"],
      { late: "inconclusive", lost: "passed" },
      GREEN,
      "inconclusive",
    ],
    [
      "is missed for sure where another of its gates is green",
      ["lost", "late"],
      { lost: "passed", late: "inconclusive" },
      BUSY,
      "missed",
    ],
    [
      "is not found by luck: red, but not green without it",
      ["late"],
      { late: "failed", lost: "passed" },
      BUSY,
      "inconclusive",
    ],
    ["that is none is found where all is green", [], { late: "passed", lost: "passed" }, null, "found"],
    [
      "that is none is missed where something is red",
      [],
      { late: "inconclusive", lost: "failed" },
      null,
      "missed",
    ],
    [
      "that is none can't be told where something can't",
      [],
      { late: "inconclusive", lost: "passed" },
      null,
      "inconclusive",
    ],
  ])("%s", (_name, expected, outcomes, without, outcome) => {
    const trial = judgeTrial(fault(expected), [scenario(outcomes, ["It was busy."])], without, isOfTime);
    expect(trial.outcome).toBe(outcome);
    expect(trial.reasons.length > 0).toBe(outcome !== "found");
    expect(trial.red.map(({ metric }) => metric)).toEqual(
      Object.keys(outcomes).filter((metric) => outcomes[metric] === "failed"),
    );
  });

  test("is missed where the scenario broke, in its words", () => {
    const broken = { ...scenario({}, ["No port."]), outcome: "failed" as const };
    expect(judgeTrial(fault([]), [broken], null, isOfTime)).toMatchObject({
      outcome: "missed",
      reasons: ["No port."],
    });
  });

  test("has gates that are in our own file", () => {
    const json = readFileSync(new URL("../../bench/gates.json", import.meta.url), "utf8");
    const known = parseGates(json, CATALOGUE).map(({ scenario: id, metric }) => `${id}.${metric}`);
    for (const { gates } of FAULTS) for (const metric of gates) expect(known).toContain(metric);
    expect(FAULTS[0]?.gates).toEqual([]);
    expect(FAULTS.slice(1).every(({ gates }) => gates.length > 0)).toBe(true);
  });
});

describe("all together", () => {
  const trial = (name: string, outcome: Trial["outcome"]): Trial => ({
    ...{ fault: name, about: "something is done", expected: ["latency.lost"], outcome, durationMs: 9_000 },
    red: outcome === "found" ? [{ metric: "latency.lost", threshold: "count==0", value: 7 }] : [],
    reasons: outcome === "found" ? [] : ["That is why."],
  });
  const look = { columns: 100, color: false };

  test("what is missed counts more than what can't be told, and that more than what was found", () => {
    const all = [trial("a", "found"), trial("b", "inconclusive"), trial("c", "missed")];
    expect(outcomeOfAll(all)).toBe("missed");
    expect(outcomeOfAll(all.slice(0, 2))).toBe("inconclusive");
    expect(outcomeOfAll(all.slice(0, 1))).toBe("found");
    expect(drawSelfTest(all, look)).toBe("✗ The gates can't be trusted: c.");
    expect(drawSelfTest(all.slice(0, 2), look)).toBe("? The machine was too busy to tell: b.");
    expect(drawSelfTest(all.slice(0, 1), look)).toMatch(/^✓ Every fault was told/);
  });

  test("each says which gate was to be red, and which was", () => {
    expect(drawTrial(trial("a", "found"), look)).toMatch(
      /^✓ a +something is done, 9 s\n +to be red: latency\.lost\n +red: latency\.lost 7 \(count==0\)$/,
    );
    const refused = { metric: "connect.established", threshold: "rate==1", value: 299 / 300 };
    expect(drawTrial({ ...trial("c", "found"), red: [refused] }, look)).toContain(
      "established 0.9967 (rate==1)",
    );
    expect(drawTrial(trial("b", "missed"), look)).toMatch(
      /^✗ b .*\n.*latency\.lost\n +none was\n {2}✗ That is why\.$/,
    );
  });
});

describe("--self-test refuses what it has of its own, with 2", () => {
  test.each([
    [["latency"], /leave latency out/],
    [["--target", "http://127.0.0.1:1", "--internal", "http://127.0.0.1:1"], /leave --target out/],
    [["--profile", "ci"], /leave --profile out/],
    [["--gates", "mine.json"], /leave --gates out/],
    [["--html", "report.html"], /leave --html out/],
    [["--connections", "none"], /--connections must be a whole number/],
  ])("%j", async (argv, line) => {
    const { code, out, err } = await command(["bench", "--self-test", ...argv]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(line);
  });
});
