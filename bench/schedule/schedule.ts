import type { Simulated } from "./simulated.ts";
import { eventCount, type Steady } from "./steady.ts";

/** Which event is due when, of whom: a pure function, computed again by everybody who needs it. */
export type Schedule = Steady | Simulated;

export function isSimulated(schedule: Schedule): schedule is Simulated {
  return "seed" in schedule;
}

export function countOf(schedule: Schedule): number {
  return isSimulated(schedule) ? schedule.eventCount : eventCount(schedule);
}
