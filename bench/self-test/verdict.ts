import type { GateVerdict, ScenarioResult } from "../result.ts";
import type { Fault } from "./faults.ts";

export interface Trial {
  readonly fault: string;
  readonly about: string;
  /** Gates that were to be red; none: none was to be. */
  readonly expected: readonly string[];
  /** Gates that were, with the figure. */
  readonly red: readonly Pick<GateVerdict, "metric" | "threshold" | "value">[];
  /** `found`: what was to be red was, and nothing else. `inconclusive`: the machine, or the hub, was too slow to tell. */
  readonly outcome: "found" | "missed" | "inconclusive";
  /** Why it was not found, a sentence each. */
  readonly reasons: readonly string[];
  readonly durationMs: number;
}

/**
 * Whether the fault was told by its gates and by no other. `without`: the gates of the run in which nothing was done; null:
 * this is it. A gate that was not green there may be red here by itself, which says nothing of the fault; and so may one
 * of a time, which other work on the machine makes late (`isOfTime`).
 */
export function judgeTrial(
  { id, about, gates: expected }: Fault,
  scenarios: readonly ScenarioResult[],
  without: readonly GateVerdict[] | null,
  isOfTime: (metric: string) => boolean,
): Omit<Trial, "durationMs"> {
  const gates = scenarios.flatMap((scenario) => scenario.gates);
  const red = gates.filter(({ outcome }) => outcome === "failed");
  const busy = scenarios.flatMap(({ outcome, reasons }) => (outcome === "inconclusive" ? reasons : []));
  const trial = {
    ...{ fault: id, about, expected },
    red: red.map(({ metric, threshold, value }) => ({ metric, threshold, value })),
  };
  const unexpected = red.map(({ metric }) => metric).filter((metric) => !expected.includes(metric));
  const missed = [
    ...scenarios.flatMap((scenario) => (scenario.gates.length === 0 ? scenario.reasons : [])),
    ...unexpected
      .filter((metric) => !isOfTime(metric))
      .map((metric) => `${metric} was red, and had no reason to be.`),
    ...expected.flatMap((metric) => (outcomeOf(gates, metric) === "passed" ? [`${metric} was green.`] : [])),
    ...expected.flatMap((metric) =>
      outcomeOf(gates, metric) === null ? [`There is no gate ${metric}.`] : [],
    ),
  ];
  if (missed.length > 0) return { ...trial, outcome: "missed", reasons: missed };
  const untold = expected.filter((metric) => outcomeOf(gates, metric) !== "failed");
  const doubtful = expected.filter(
    (metric) => without !== null && outcomeOf(without, metric) !== "passed" && !untold.includes(metric),
  );
  const isOpen = expected.length === 0 && gates.some(({ outcome }) => outcome === "inconclusive");
  const reasons = [
    ...unexpected.map(
      (metric) => `${metric} was red, which is the machine's doing or the hub's, not the fault's.`,
    ),
    ...doubtful.map((metric) => `${metric} was not green without the fault, so that red tells nothing.`),
    ...(untold.length > 0 || isOpen ? busy : []),
  ];
  return {
    ...trial,
    outcome: untold.length + doubtful.length + unexpected.length > 0 || isOpen ? "inconclusive" : "found",
    reasons,
  };
}

/** The worst of all gates on the metric; null: there is none. */
function outcomeOf(gates: readonly GateVerdict[], metric: string): GateVerdict["outcome"] | null {
  const outcomes = gates.filter((gate) => gate.metric === metric).map(({ outcome }) => outcome);
  const order = ["failed", "inconclusive", "passed"] as const;
  return order.find((outcome) => outcomes.includes(outcome)) ?? null;
}

/** What is missed is, however busy the machine was. */
export function outcomeOfAll(trials: readonly Pick<Trial, "outcome">[]): Trial["outcome"] {
  const order = ["missed", "inconclusive"] as const;
  return order.find((outcome) => trials.some((trial) => trial.outcome === outcome)) ?? "found";
}
