import { countText } from "../count-text.ts";
import { userCount } from "../load/population.ts";
import { gauge, percentileMs } from "../metric.ts";
import type { LoadOutcome } from "../running-load.ts";
import { allOf } from "./delivery.ts";
import type { Scenario } from "./scenario.ts";
import { measuredOf, usersFor } from "./steady-load.ts";

const STEP = 1.5;
const MAX_STEPS = 12;
const MAX_P99_MS = 100;
/** The emitter or the machine is at its end before the hub is. */
const LEAST_REACHED = 0.99;

export const ladder: Scenario = {
  id: "ladder",
  about: "half as much load again a step, until it is too much",
  async *run(bench) {
    const { stage } = await bench.held();
    const { rates, warmUpMs, measureMs } = bench.size;
    let eventsPerSecond = rates[0] ?? 0;
    let knee = 0;
    for (let step = 1; step <= MAX_STEPS; step += 1) {
      const users = usersFor(eventsPerSecond, userCount(stage.options.population));
      const plan = {
        ...{ scenario: this.id, eventsPerSecond, users, photosPerUser: 1, warmUpMs, measureMs },
        isEachShown: true,
      };
      const outcome = await stage.load(plan);
      const reason = tooMuch(outcome);
      if (reason === null) knee = eventsPerSecond;
      const isLast = reason !== null || step === MAX_STEPS;
      const measured = measuredOf(stage, plan, outcome, {
        variant: isLast ? null : `step ${step}`,
        title: `${countText(eventsPerSecond)} events/s${reason === null ? "" : `: ${reason}`}`,
      });
      if (!isLast) {
        yield measured;
      } else {
        // What became too much is no failure: where it did is the figure.
        const metrics = new Map([...measured.metrics, ["knee", gauge(knee, "events/s")] as const]);
        yield { ...measured, conditions: null, metrics };
        return;
      }
      eventsPerSecond = Math.round(eventsPerSecond * STEP);
    }
  },
};

/** Null: it was not. */
function tooMuch({ judged, conditions }: LoadOutcome): string | null {
  const p99Ms = percentileMs(allOf(judged, "leading"), 99);
  if (p99Ms === null) return "nothing arrived";
  if (p99Ms > MAX_P99_MS) return `p99 ${p99Ms.toFixed(0)} ms`;
  if (judged.counts.lost + judged.counts.merged > 0) return "not every event was shown";
  return (conditions.rateReached ?? 1) < LEAST_REACHED ? "the emitter did not keep up" : null;
}
