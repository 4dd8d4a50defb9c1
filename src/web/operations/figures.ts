import { bucketsOf } from "../../metrics/buckets.ts";
import { type CounterName, increaseOf } from "../../metrics/increases.ts";
import { percentileOf } from "../../metrics/percentile.ts";
import type { Step } from "./step.ts";

/** The way of an event, in its order. */
export const STAGES = ["merged", "routed", "written"] as const;
export type Stage = (typeof STAGES)[number];

interface Age {
  /** Seconds; null: no event came so far in this time. */
  readonly p50: number | null;
  readonly p99: number | null;
}

/** What the hub did, in the mean of some time. */
export interface Figures {
  readonly eventsPerSecond: number;
  /** To clients. */
  readonly messagesPerSecond: number;
  /** 0 to 1: states that a newer one replaced before they were shown, of all states; null: there were none. */
  readonly conflated: number | null;
  readonly ages: Readonly<Record<Stage, Age>>;
  /** Cores, by process. */
  readonly cpu: ReadonlyMap<string, number>;
}

/** Of all these steps together; null: there is none, so nothing has happened that one could tell. */
export function figuresOf(steps: readonly Step[]): Figures | null {
  const seconds = steps.reduce((sum, step) => sum + step.seconds, 0);
  if (seconds <= 0) return null;
  const grown = (name: CounterName): number =>
    steps.reduce((sum, step) => sum + increaseOf(step.grown, name), 0);
  const conflated = grown("messages_conflated_total");
  const states = conflated + grown("messages_shown_total");
  return {
    eventsPerSecond: grown("events_total") / seconds,
    messagesPerSecond: grown("messages_written_total") / seconds,
    conflated: states === 0 ? null : conflated / states,
    ages: {
      merged: ageAt("merged", steps),
      routed: ageAt("routed", steps),
      written: ageAt("written", steps),
    },
    cpu: cpuOf(steps),
  };
}

function ageAt(stage: Stage, steps: readonly Step[]): Age {
  const counts = new Map<number, number>();
  for (const { grown } of steps) {
    for (const { upTo, count } of bucketsOf(grown, "event_age_seconds", { stage }))
      counts.set(upTo, (counts.get(upTo) ?? 0) + count);
  }
  // A counter that began anew is not always seen to, and then one bucket seems to hold less than those within it.
  let most = 0;
  const buckets = [...counts]
    .toSorted(([one], [other]) => one - other)
    .map(([upTo, count]) => {
      most = Math.max(most, count);
      return { upTo, count: most };
    });
  return { p50: percentileOf(buckets, 50), p99: percentileOf(buckets, 99) };
}

/** Over the steps in which the process was there. */
function cpuOf(steps: readonly Step[]): ReadonlyMap<string, number> {
  const used = new Map<string, { cpu: number; seconds: number }>();
  for (const { cpuSeconds, seconds } of steps) {
    for (const [process, more] of cpuSeconds) {
      const before = used.get(process) ?? { cpu: 0, seconds: 0 };
      used.set(process, { cpu: before.cpu + more, seconds: before.seconds + seconds });
    }
  }
  return new Map([...used].map(([process, { cpu, seconds }]) => [process, cpu / seconds]));
}
