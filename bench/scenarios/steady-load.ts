import { byTransport } from "../load/population.ts";
import type { LoadOutcome } from "../running-load.ts";
import type { LoadPlan, Stage } from "../stage.ts";
import { deliveryMetrics, deliveryNotes } from "./delivery.ts";
import type { Measured } from "./scenario.ts";

/** A photo that is not heard of for 10 s is stalled, which would be another message. */
const SILENCE_MS = 4_000;

/** How many users to take at this rate, so that none of their photos stalls. */
export function usersFor(eventsPerSecond: number, users: number): number {
  return Math.max(1, Math.min(users, Math.floor((eventsPerSecond * SILENCE_MS) / 1_000)));
}

export function measuredOf(
  stage: Stage,
  plan: Pick<LoadPlan, "eventsPerSecond" | "measureMs">,
  outcome: LoadOutcome,
  words: Pick<Measured, "variant" | "title">,
): Measured {
  return {
    ...words,
    load: {
      connections: byTransport(stage.options.population),
      eventsPerSecond: plan.eventsPerSecond,
    },
    metrics: deliveryMetrics(outcome),
    conditions: outcome.conditions,
    phases: outcome.phases,
    series: [...outcome.series],
    stages: [...outcome.stages],
    notes: deliveryNotes(outcome),
    measuredMs: plan.measureMs,
    ...(outcome.rounds.length > 0 && { rounds: [...outcome.rounds] }),
  };
}
