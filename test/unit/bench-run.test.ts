import { describe, expect, test } from "vitest";
import { CATALOGUE } from "../../bench/gates/catalogue.ts";
import { parseGates } from "../../bench/gates/parse.ts";
import type { Conditions } from "../../bench/machine/validity.ts";
import { counter, newHistogram, trend } from "../../bench/metric.ts";
import type { ScenarioResult } from "../../bench/result.ts";
import { type RunOutcome, runBench } from "../../bench/run.ts";
import { type Measured, type Scenario, Skipped } from "../../bench/scenarios/scenario.ts";
import { SELF_TEST_SIZE } from "../../bench/self-test/run.ts";
import { TargetDied } from "../../bench/target/alive.ts";
import { TRANSPORTS } from "../../bench/transports.ts";

const GATES = parseGates('{"latency.sse": ["p(99)<100"], "latency.lost": ["count==0"]}', CATALOGUE);
const QUIET: Conditions = { machine: null, loopDelayP99Ms: 1, emitterLagP99Ms: 1, rateReached: 1 };
const BUSY: Conditions = { ...QUIET, emitterLagP99Ms: 200 };

function measured(ms: number, lost: number, conditions: Conditions | null): Measured {
  const times = newHistogram();
  times.recordValue(ms * 1_000);
  return {
    ...{ variant: null, title: "", conditions, notes: [], phases: [], series: [], stages: [], measuredMs: 1 },
    load: { connections: {}, eventsPerSecond: null },
    metrics: new Map([
      ["sse", trend(times)],
      ["lost", counter(lost)],
    ]),
  };
}

const says = (...all: readonly (Measured | Error)[]): Scenario => ({
  id: "latency",
  about: "",
  async *run() {
    for (const one of all) {
      if (one instanceof Error) throw one;
      yield one;
    }
  },
});

async function run(
  scenarios: readonly Scenario[],
  signal = new AbortController().signal,
): Promise<RunOutcome & { readonly told: readonly ScenarioResult["outcome"][] }> {
  const told: ScenarioResult["outcome"][] = [];
  const outcome = await runBench({
    scenarios: scenarios.map((scenario) => ({ scenario, size: SELF_TEST_SIZE })),
    ...{
      gates: GATES,
      profile: "smoke",
      command: "bench",
      canRestart: false,
      startHubs: null,
      transports: TRANSPORTS,
      signal,
    },
    rules: { photoIntervalMs: 50, jobIntervalMs: 80, isDense: true },
    startTarget: () => Promise.reject(new Error("no scenario here needs one")),
    progress: { phase: () => undefined, numbers: () => undefined },
    onScenario: (scenario) => void told.push(scenario.outcome),
  });
  return { ...outcome, told };
}

const [GOOD, LATE, LOST] = [measured(5, 0, QUIET), measured(500, 0, QUIET), measured(5, 1, QUIET)];
const [BUSY_LATE, BUSY_LOST] = [measured(500, 0, BUSY), measured(5, 1, BUSY)];

describe("what a run comes to", () => {
  test.each([
    ["all gates green", [says(GOOD)], "passed", ["passed"]],
    ["a time that is too long", [says(LATE)], "failed", ["failed"]],
    ["the same on a busy machine", [says(BUSY_LATE)], "inconclusive", ["inconclusive"]],
    ["a loss on a busy machine", [says(BUSY_LOST)], "failed", ["failed"]],
    [
      "the worst of several",
      [says(GOOD, BUSY_LATE), says(LOST)],
      "failed",
      ["passed", "inconclusive", "failed"],
    ],
    [
      "a scenario that can't be run here, beside another",
      [says(new Skipped("no k6")), says(GOOD)],
      "passed",
      ["skipped", "passed"],
    ],
    ["none that can be run here", [says(new Skipped("no k6"))], "inconclusive", ["skipped"]],
    [
      "one that breaks, beside another",
      [says(GOOD, new Error("no port")), says(GOOD)],
      "failed",
      ["passed", "failed", "passed"],
    ],
  ])("%s", async (_name, scenarios, outcome, told) => {
    const { result, died, told: heard } = await run(scenarios);
    expect({ outcome: result.outcome, died, told: heard }).toEqual({ outcome, died: null, told });
    expect(result.scenarios.map((scenario) => scenario.outcome)).toEqual(told);
  });

  test("each says why it is not what it should be", async () => {
    const { result } = await run([says(BUSY_LATE), says(new Skipped("no k6")), says(new Error("no port"))]);
    const reasons = result.scenarios.map((scenario) => scenario.reasons.join());
    expect(reasons).toEqual([expect.stringMatching(/^Events were sent 200\.0 ms after/), "no k6", "no port"]);
  });

  test("where the target died nothing more is run", async () => {
    const { result, died, told } = await run([says(GOOD, new TargetDied("it was killed")), says(GOOD)]);
    expect({ outcome: result.outcome, died, told }).toEqual({
      outcome: "failed",
      died: "it was killed",
      told: ["passed", "failed"],
    });
  });

  test("where somebody has stopped it there is no result", async () => {
    const stop = new AbortController();
    const stopping: Scenario = {
      ...says(),
      async *run() {
        yield GOOD;
        stop.abort(new Error("stopped"));
        throw new Error("a part of the bench ended");
      },
    };
    await expect(run([stopping, says(GOOD)], stop.signal)).rejects.toThrow("stopped");
  });
});
