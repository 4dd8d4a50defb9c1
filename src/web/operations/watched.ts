import { type FaultRow, noted } from "./fault-log.ts";
import { faultsIn } from "./faults.ts";
import { type Figures, figuresOf } from "./figures.ts";
import type { Reading } from "./reading.ts";
import { type Step, stepBetween } from "./step.ts";

/** What charts show of one time; null everywhere: nobody looked. */
export interface Point {
  readonly unixMs: number;
  readonly figures: Figures | null;
  readonly connections: number | null;
}

/** All that the page knows of the hub. */
export interface Watched {
  readonly openedMs: number;
  readonly latest: Reading;
  /** Of the last seconds, which figures are the mean of. */
  readonly steps: readonly Step[];
  /** null: there is but one reading. */
  readonly figures: Figures | null;
  readonly points: readonly Point[];
  readonly faults: readonly FaultRow[];
}

/** Figures are the mean of so long: two seconds more or less then don't make them jump. */
const MEAN_OVER_SECONDS = 10;
/** Longer without a reading, nobody looked: a hidden tab, or a hub that was away. */
const GAP_SECONDS = 8;
const SHOWN_MS = 10 * 60_000;

/** `before` null: the first reading. */
export function watched(before: Watched | null, reading: Reading): Watched {
  const faults = noted(before?.faults ?? null, faultsIn(reading.metrics), reading.unixMs);
  if (before === null)
    return { openedMs: reading.unixMs, latest: reading, steps: [], figures: null, points: [], faults };
  const step = stepBetween(before.latest, reading);
  const isGap = step.seconds > GAP_SECONDS;
  const steps = isGap ? [step] : recent([...before.steps, step]);
  const figures = figuresOf(steps);
  const gap: Point = { unixMs: before.latest.unixMs + 1, figures: null, connections: null };
  const point: Point = { unixMs: reading.unixMs, figures, connections: reading.connections.total };
  // A clock that was set back would draw lines backwards.
  const kept = before.points.filter(
    ({ unixMs }) => unixMs > reading.unixMs - SHOWN_MS && unixMs < reading.unixMs,
  );
  const points = [...kept, ...(isGap && kept.length > 0 ? [gap] : []), point];
  return { openedMs: before.openedMs, latest: reading, steps, figures, points, faults };
}

/** The last ones that make up the time of a mean, and at least the last. */
function recent(steps: readonly Step[]): readonly Step[] {
  let seconds = 0;
  const from = steps.findLastIndex((step) => {
    seconds += step.seconds;
    return seconds >= MEAN_OVER_SECONDS;
  });
  return steps.slice(Math.max(0, from));
}
