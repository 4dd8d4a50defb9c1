import type { GateVerdict, ScenarioResult } from "../result.ts";
import type { VsResult, VsScenario } from "../vs/result.ts";
import { junitOf } from "./junit.ts";
import { scenarioName } from "./words.ts";

/** JUnit's XML of `--vs`: a test a bar, and one for each gate of each run of the hub. */
export function vsJunit(result: VsResult): string {
  const [first] = result.runs.hub;
  if (first === undefined) throw new RangeError("--vs without a run");
  const ownGates = result.runs.hub.flatMap((run, index) =>
    run.scenarios.map((scenario) => ({
      ...scenario,
      variant: [scenario.variant, `pair ${index + 1}`].filter((part) => part !== null).join(", "),
    })),
  );
  const { command, startedAt, durationMs, outcome } = result;
  const scenarios = [...result.scenarios.map((scenario) => barsOf(result, scenario)), ...ownGates];
  return junitOf({ ...first, command, startedAt, durationMs, outcome, scenarios });
}

function barsOf({ baseline, remarks }: VsResult, scenario: VsScenario): ScenarioResult {
  const gates = scenario.ratios.flatMap(({ metric, transport, ratio, bars }) =>
    bars.map(({ threshold, outcome }): GateVerdict => {
      const name = transport === null ? metric : `${metric}.${transport}`;
      return { metric: `vs.${baseline}.${name}`, threshold, value: ratio, outcome };
    }),
  );
  const outcome = (["failed", "inconclusive"] as const).find((one) =>
    gates.some((gate) => gate.outcome === one),
  );
  const variant = scenarioName(scenario);
  return {
    ...{ id: "vs", variant, title: `${variant} against ${baseline}`, outcome: outcome ?? "passed" },
    ...{ reasons: remarks, durationMs: 0, gates, notes: [], metrics: {} },
    ...{ phases: [], series: [], stages: [], load: { connections: {}, eventsPerSecond: null } },
  };
}
