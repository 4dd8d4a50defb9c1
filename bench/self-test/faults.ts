import { dropped, duplicated, foreign, late, none, type Plant, refused, swapped } from "./plant.ts";

/** A defect that a hub might have, and what must tell of it. */
export interface Fault {
  readonly id: string;
  /** For people: what is done. */
  readonly about: string;
  /** Every gate that must be red, and no other may be; none: it is no defect. */
  readonly gates: readonly string[];
  readonly scenarios: readonly string[];
  plant(): Plant;
}

const LATE_MS = 150;
/** Odd: messages of a photo and of its job take turns, and both kinds are to be hit. */
const ONE_IN = 99;
/** Well within the latency that the gates allow, so that what is not overtaken is no other finding. */
const SWAP_WITHIN_MS = 50;
const REFUSED = 5;
const BOTH = ["connect", "latency"];

/** The first is the measure of all others: what is red without a fault tells of none. */
export const FAULTS: readonly Fault[] = [
  { id: "none", about: "nothing is done", gates: [], scenarios: BOTH, plant: none },
  {
    id: "late",
    about: `all that clients get is ${LATE_MS} ms late`,
    gates: ["latency.socketio", "latency.websocket", "latency.sse"],
    scenarios: BOTH,
    plant: () => late(LATE_MS),
  },
  {
    id: "dropped",
    about: `one of ${ONE_IN} messages is dropped`,
    gates: ["latency.lost"],
    scenarios: BOTH,
    plant: () => dropped(ONE_IN),
  },
  {
    id: "duplicated",
    about: `one of ${ONE_IN} messages is sent twice`,
    gates: ["latency.duplicate"],
    scenarios: BOTH,
    plant: () => duplicated(ONE_IN),
  },
  {
    id: "swapped",
    about: `one of ${ONE_IN} messages is overtaken by the next`,
    gates: ["latency.disordered"],
    scenarios: BOTH,
    plant: () => swapped(ONE_IN, SWAP_WITHIN_MS),
  },
  {
    id: "foreign",
    about: "one message of another user is given to a client",
    gates: ["latency.foreign"],
    scenarios: BOTH,
    plant: foreign,
  },
  {
    id: "refused",
    about: "one connection is refused",
    gates: ["connect.established", "connect.errors"],
    scenarios: ["connect"],
    plant: () => refused(REFUSED),
  },
];
