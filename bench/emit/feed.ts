import { jsonOf } from "../../simulator/event.ts";
import { isSimulated, type Schedule } from "../schedule/schedule.ts";
import { type DueEvent, type Simulated, simulatedEvents } from "../schedule/simulated.ts";
import { SteadyFeed } from "./steady-feed.ts";

/** The events of a schedule, in the order in which they are due. */
export interface Feed {
  /** When the next one is due, in microseconds of the run; null: there is none. */
  readonly dueUs: number | null;
  /** The JSON of that one; then the one after it is the next. */
  take(): string;
}

export function feedOf(schedule: Schedule): Feed {
  return isSimulated(schedule) ? new SimulatedFeed(schedule) : new SteadyFeed(schedule);
}

class SimulatedFeed implements Feed {
  readonly #events: Iterator<DueEvent, void>;
  #next: DueEvent | null;

  constructor(simulated: Simulated) {
    this.#events = simulatedEvents(simulated);
    this.#next = this.#following();
  }

  get dueUs(): number | null {
    return this.#next?.dueUs ?? null;
  }

  take(): string {
    const taken = this.#next;
    this.#next = this.#following();
    return taken === null ? "" : jsonOf(taken.event);
  }

  #following(): DueEvent | null {
    const following = this.#events.next();
    return following.done === true ? null : following.value;
  }
}
