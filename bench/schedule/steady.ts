// The load of a steady scenario as a pure function: which event is due when, of whom. The emitter, which sends it, and
// the audits, which judge what came of it, compute it each for itself, so that nothing about it travels between them.
//
// Four parts follow each other at one rate: every job is announced; its photos move, in rounds, in each of which every
// user's next photo moves once; every photo completes; every job is said to be complete.

export interface Steady {
  /** Begins every id, so that runs against the same hub don't meet. */
  readonly run: string;
  /** Tells this load's jobs from those of another load of the same run. */
  readonly name: string;
  /** Users 0 to `users` - 1 of the population upload; the others only hold their connections. At least 1. */
  readonly users: number;
  readonly photosPerUser: number;
  /** How often each user has an event; whose photos take turns. At least `photosPerUser`. */
  readonly rounds: number;
  readonly eventsPerSecond: number;
  /** When the first event is due, in microseconds of the run. */
  readonly startUs: number;
  /** Absent: it goes on without a pause. */
  readonly slots?: Slots;
}

/** So many events at the rate, and then none until the next slot begins: meanwhile another target has its load. */
export interface Slots {
  readonly events: number;
  /** From the beginning of one to that of the next; longer than its events take. */
  readonly everyUs: number;
}

export type PlannedEvent =
  | { readonly kind: "created" | "closed"; readonly user: number }
  | {
      readonly kind: "progressed" | "completed";
      readonly user: number;
      readonly photo: number;
    };

/**
 * Larger than any upload, so that no photo is at its end before it completes; its bytes are the microsecond of the run at
 * which the event was due.
 */
export const TOTAL_BYTES = 2 ** 40;

/** Users follow each other in strides, so that neighbours, who share a generator and a moment of connecting, do not. */
const STRIDE = 7_919;
const US_PER_S = 1_000_000;
/** No load has more, nor takes longer. */
const ONE_SLOT: Slots = { events: Number.MAX_SAFE_INTEGER, everyUs: Number.MAX_SAFE_INTEGER };

export function userIdOf(run: string, user: number): string {
  return `${run}-${user}`;
}

export function jobIdOf(run: string, user: number, load: string): string {
  return `${jobPrefixOf(run, user)}${load}`;
}

/** All jobs of the user begin so, and nobody else's. */
export function jobPrefixOf(run: string, user: number): string {
  return `${userIdOf(run, user)}-`;
}

export function photoIdOf(photo: number): string {
  return `photo-${photo}`;
}

/** Of `photoIdOf`; NaN for another. */
export function photoNumber(photoId: string): number {
  return photoId.startsWith("photo-") ? Number(photoId.slice(6)) : Number.NaN;
}

export function eventCount({ users, photosPerUser, rounds }: Steady): number {
  return users * (1 + rounds + photosPerUser + 1);
}

/** When event `index` is due, in whole microseconds of the run; may be past the last event. */
export function dueUs({ startUs, eventsPerSecond, slots = ONE_SLOT }: Steady, index: number): number {
  const slot = Math.floor(index / slots.events);
  const inSlot = index - slot * slots.events;
  return Math.round(startUs + slot * slots.everyUs + (inSlot * US_PER_S) / eventsPerSecond);
}

/**
 * Of what is measured after the warm-up, where each slot begins, where what came of it is over (`gapMs` after its end), and
 * where the pause after the last one ends. What is measured begins with a slot.
 */
export function marksUs(
  { users, startUs, eventsPerSecond }: Steady,
  { events, everyUs }: Slots,
  { warmUpMs, measureMs, gapMs }: Readonly<Record<"warmUpMs" | "measureMs" | "gapMs", number>>,
): readonly number[] {
  const first = Math.ceil((users + (warmUpMs * eventsPerSecond) / 1_000) / events);
  const slots = Math.max(1, Math.floor((measureMs * eventsPerSecond) / 1_000 / events));
  const slotUs = (events * US_PER_S) / eventsPerSecond + gapMs * 1_000;
  const beginUs = (slot: number) => startUs + (first + slot) * everyUs;
  const marks = Array.from({ length: slots }, (_, slot) => [beginUs(slot), beginUs(slot) + slotUs]);
  return [...marks.flat(), beginUs(slots)];
}

/** Index of the first progress event. */
export function progressFrom({ users }: Steady): number {
  return users;
}

/** Index after the last progress event: the first completion. */
export function progressTo({ users, rounds }: Steady): number {
  return users * (1 + rounds);
}

export function eventAt(steady: Steady, index: number): PlannedEvent {
  const { users, photosPerUser, rounds } = steady;
  const round = Math.floor(index / users);
  const user = ((index % users) * strideOf(users)) % users;
  if (round === 0) return { kind: "created", user };
  if (round <= rounds) return { kind: "progressed", user, photo: (round - 1) % photosPerUser };
  if (round <= rounds + photosPerUser) return { kind: "completed", user, photo: round - rounds - 1 };
  return { kind: "closed", user };
}

/** When the user's photo moves in `round`, 0 the first of the progress, or completes: rounds after them. */
export function dueInRoundUs(steady: Steady, placeOfUser: number, round: number): number {
  return dueUs(steady, steady.users * (1 + round) + placeOfUser);
}

/** The round whose event was due at exactly this time; null: none of this user was. */
export function roundDueAt(steady: Steady, placeOfUser: number, us: number): number | null {
  const { users, rounds, eventsPerSecond, startUs, slots = ONE_SLOT } = steady;
  const slot = Math.floor((us - startUs) / slots.everyUs);
  const inSlot = Math.round(((us - startUs - slot * slots.everyUs) * eventsPerSecond) / US_PER_S);
  const index = slot * slots.events + inSlot;
  const round = (index - placeOfUser) / users - 1;
  const isRound = Number.isInteger(round) && round >= 0 && round < rounds;
  return isRound && dueUs(steady, index) === us ? round : null;
}

/** Where in a round each user is. */
export function placesOf({ users }: Steady): Uint32Array {
  const places = new Uint32Array(users);
  const stride = strideOf(users);
  for (let place = 0; place < users; place += 1) places[(place * stride) % users] = place;
  return places;
}

/** Without a divisor in common with the number of users, or not every one has a turn. */
function strideOf(users: number): number {
  return users % STRIDE === 0 ? 1 : STRIDE;
}
