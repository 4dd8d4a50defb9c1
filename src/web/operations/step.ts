import { increases } from "../../metrics/increases.ts";
import type { Sample } from "../../metrics/parse.ts";
import { type Reading, seriesOf } from "./reading.ts";

/** What happened between two readings, one after the other. */
export interface Step {
  readonly seconds: number;
  readonly grown: readonly Sample[];
  /** Seconds of CPU of each process that told them both times. */
  readonly cpuSeconds: ReadonlyMap<string, number>;
}

export function stepBetween(before: Reading, after: Reading): Step {
  return {
    seconds: (after.monotonicMs - before.monotonicMs) / 1_000,
    grown: increases(before.metrics, after.metrics),
    cpuSeconds: cpuBetween(before, after),
  };
}

/**
 * A process that told nothing before may have used all of it long ago. One whose time has fallen is another one by the
 * same name, and has used what it says.
 */
function cpuBetween(before: Reading, after: Reading): ReadonlyMap<string, number> {
  const was = cpuOf(before);
  return new Map(
    [...cpuOf(after)].flatMap(([process, now]): [string, number][] => {
      const earlier = was.get(process);
      if (earlier === undefined) return [];
      return [[process, now < earlier ? now : now - earlier]];
    }),
  );
}

function cpuOf({ metrics }: Reading): ReadonlyMap<string, number> {
  return new Map(
    seriesOf(metrics, "process_cpu_seconds_total").map(({ labels, value }) => [labels.process ?? "", value]),
  );
}
