/** When events are sent: by the simulated clock, so many times faster than it goes, or so many a second whatever it says. */
export type Pace =
  | { readonly kind: "speed"; readonly speed: number }
  | { readonly kind: "rate"; readonly eventsPerSecond: number };

/** As fast as they are taken. */
export const AS_TAKEN: Pace = { kind: "speed", speed: Number.POSITIVE_INFINITY };

/** Says how many events may leave by now. */
export interface Pacer {
  /** Whether an event of that simulated time may. */
  allows(atMs: number): boolean;
  /** One has. */
  sent(): void;
}

/** `now`: milliseconds of any clock that only rises. */
export function pacerOf(pace: Pace, now: () => number): Pacer {
  return pace.kind === "speed" ? bySpeed(pace.speed, now) : byRate(pace.eventsPerSecond, now);
}

function bySpeed(speed: number, now: () => number): Pacer {
  const startMs = now();
  return {
    allows: (atMs) => speed === Number.POSITIVE_INFINITY || atMs <= (now() - startMs) * speed,
    sent: () => undefined,
  };
}

function byRate(eventsPerSecond: number, now: () => number): Pacer {
  let lastMs = now();
  let credit = 0;
  return {
    allows() {
      const nowMs = now();
      // A hub that was slow for a while is not made to suffer for it by a burst afterwards.
      credit = Math.min(Math.max(1, eventsPerSecond), credit + ((nowMs - lastMs) * eventsPerSecond) / 1_000);
      lastMs = nowMs;
      return credit >= 1;
    },
    sent() {
      credit -= 1;
    },
  };
}
