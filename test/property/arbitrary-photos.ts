import fc from "fast-check";
import { MAX_NUMBER, type UploadError } from "../../src/domain/events.ts";
import { CANCELLED, COMPLETED, FAILED, type PhotoState, UPLOADING } from "../../src/domain/photo.ts";
import type { Photo, PhotoView, Stamp } from "../../src/domain/photo-view.ts";

// Photos as no sequence of events need make them: what packs and keeps them must not know which those are.

export const orNull = <Value>(some: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> =>
  fc.oneof({ weight: 3, arbitrary: some }, { weight: 1, arbitrary: fc.constant(null) });

export const size = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32, MAX_NUMBER - 1, MAX_NUMBER),
  fc.nat(),
  fc.integer({ min: 0, max: MAX_NUMBER }),
);
const attempt = fc.oneof(
  { weight: 4, arbitrary: fc.nat(2) },
  { weight: 1, arbitrary: fc.constantFrom(14, 15, 16, 17, 2 ** 20, MAX_NUMBER) },
);
/** Photos that were read from disk were shown "long ago". */
export const time = fc.oneof(
  fc.nat(),
  fc.double({ min: 0, max: 2e12, noNaN: true }),
  fc.constant(-MAX_NUMBER),
);
export const tenths = fc.integer({ min: 0, max: 1000 });
const error: fc.Arbitrary<UploadError | null> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.record({ code: fc.string(), message: fc.string() }, { noNullPrototype: true }) },
);
const starts = orNull(
  fc.oneof(
    fc.array(fc.nat(0x7fffffff), { minLength: 1, maxLength: 1 }),
    fc.array(fc.nat(0x7fffffff), { maxLength: 8 }),
  ),
);

export const state: fc.Arbitrary<PhotoState> = fc.record(
  {
    attempt,
    rank: fc.constantFrom(UPLOADING, CANCELLED, FAILED, COMPLETED),
    bytes: size,
    total: orNull(size),
    largestTotal: orNull(size),
    completedAttempt: attempt,
    error,
    fileName: orNull(fc.string()),
    starts,
    endedByHub: fc.boolean(),
    opened: attempt,
  },
  { noNullPrototype: true },
);

const view: fc.Arbitrary<PhotoView> = fc.record(
  {
    attempt,
    status: fc.constantFrom("UPLOADING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"),
    bytes: size,
    total: orNull(size),
    tenths: orNull(tenths),
    stalled: fc.boolean(),
    error,
  },
  { noNullPrototype: true },
);

const stamp: fc.Arbitrary<Stamp> = fc.record({ seq: size, at: time }, { noNullPrototype: true });

export const shown: fc.Arbitrary<Photo["shown"]> = orNull(
  fc
    .record({ view, highest: tenths, started: stamp, following: orNull(stamp), lastAtMs: time })
    .map(({ following, ...one }) => ({ ...one, last: following ?? one.started })),
);

/** Enough of them to fill several blocks, and to outgrow the search one by one. */
const photoId = fc.nat(60).map((index) => `photo-${index}`);

export const photo: fc.Arbitrary<Photo> = fc.record(
  {
    photoId,
    state,
    shown,
    stalled: fc.boolean(),
    lastEventAtMs: time,
    lastBytesAtMs: time,
    sampledAttempt: attempt,
  },
  { noNullPrototype: true },
);
