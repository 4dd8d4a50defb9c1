import fc from "fast-check";
import { type DomainEvent, MAX_NUMBER } from "../../src/domain/events.ts";
import { event } from "../events.ts";

const TOTALS = [null, 0, 1, 7, 1000, 1003, 4000, MAX_NUMBER] as const;
const ERRORS = [
  { code: "network", message: "lost" },
  { code: "disk", message: "full" },
] as const;

const bytes = fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.constantFrom(0, 999, 1000, MAX_NUMBER));

function photoEvent(attempt: fc.Arbitrary<number | null>): fc.Arbitrary<DomainEvent> {
  const base = {
    photoId: fc.constantFrom("a", "b", "c", "d"),
    attempt,
    totalBytes: fc.constantFrom(...TOTALS),
    error: fc.constantFrom(...ERRORS),
    fileName: fc.constantFrom(null, "x.jpg", "y.jpg"),
  };
  const kinds = fc.constantFrom(
    "started",
    "progressed",
    "progressed",
    "progressed",
    "completed",
    "failed",
    "cancelled",
  );
  return fc.record({ ...base, kind: kinds, bytes }).map(({ kind, bytes: transferred, ...fields }) => {
    const { photoId, attempt: number, totalBytes, error, fileName } = fields;
    const named = { photoId, attempt: number };
    switch (kind) {
      case "started":
        return event.started({ ...named, totalBytes, fileName });
      case "progressed":
        return event.progressed(transferred, { ...named, totalBytes });
      case "completed":
        return event.completed({ ...named, totalBytes });
      case "failed":
        return event.failed({ ...named, error });
      default:
        return event.cancelled(named);
    }
  });
}

/** Photo events that all carry an attempt number: for these, order must not matter. */
export const numberedEvents = fc.array(photoEvent(fc.integer({ min: 1, max: 3 })), {
  minLength: 1,
  maxLength: 30,
});

const jobEvent: fc.Arbitrary<DomainEvent> = fc.oneof(
  fc
    .record({ photoCount: fc.constantFrom(null, 2, 4, 6), totalBytes: fc.constantFrom(null, 500, 9000) })
    .map(event.created),
  fc.record({ photoCount: fc.constantFrom(null, 3) }).map(event.jobCompleted),
  fc.constant(null).map(() => event.jobCancelled()),
);

/** What may happen to one job: any events, numbered or not, with time passing in between. */
export const history = fc.array(
  fc.record({
    batch: fc.array(
      fc.oneof(
        { weight: 12, arbitrary: photoEvent(fc.constantFrom(null, null, 1, 2, 3)) },
        { weight: 1, arbitrary: jobEvent },
      ),
      { maxLength: 6 },
    ),
    passMs: fc.constantFrom(0, 0, 1, 20, 60, 100, 2_500, 11_000, 31_000, 901_000),
  }),
  { minLength: 1, maxLength: 25 },
);

/** The same events in another order, some of them twice. */
export function shuffledWithRepeats(events: readonly DomainEvent[]): fc.Arbitrary<readonly DomainEvent[]> {
  return fc
    .tuple(
      fc.subarray([...events]),
      fc.array(fc.nat(), { minLength: 2 * events.length, maxLength: 2 * events.length }),
    )
    .map(([repeated, order]) =>
      [...events, ...repeated]
        .map((one, index) => ({ one, key: order[index] ?? 0 }))
        .sort((left, right) => left.key - right.key)
        .map(({ one }) => one),
    );
}
