import fc from "fast-check";
import { expect, it } from "vitest";
import { MAX_NUMBER, type UploadError } from "../../src/domain/events.ts";
import { CANCELLED, COMPLETED, FAILED, type PhotoState, UPLOADING } from "../../src/domain/photo.ts";
import type { Photo, PhotoView, Stamp } from "../../src/domain/photo-view.ts";
import { PackedPhotos } from "../../src/engine/packed-photos.ts";

const orNull = <Value>(some: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> =>
  fc.oneof({ weight: 3, arbitrary: some }, { weight: 1, arbitrary: fc.constant(null) });

const size = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32, MAX_NUMBER - 1, MAX_NUMBER),
  fc.nat(),
  fc.integer({ min: 0, max: MAX_NUMBER }),
);
const attempt = fc.oneof(
  { weight: 4, arbitrary: fc.nat(2) },
  { weight: 1, arbitrary: fc.constantFrom(14, 15, 16, 17, 2 ** 20, MAX_NUMBER) },
);
/** Photos that were read from disk were shown "long ago". */
const time = fc.oneof(fc.nat(), fc.double({ min: 0, max: 2e12, noNaN: true }), fc.constant(-MAX_NUMBER));
const tenths = fc.integer({ min: 0, max: 1000 });
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

const state: fc.Arbitrary<PhotoState> = fc.record(
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

const shown: fc.Arbitrary<Photo["shown"]> = orNull(
  fc
    .record({ view, highest: tenths, started: stamp, following: orNull(stamp), lastAtMs: time })
    .map(({ following, ...one }) => ({ ...one, last: following ?? one.started })),
);

/** Enough of them to fill several blocks, and to outgrow the search one by one. */
const photoId = fc.nat(60).map((index) => `photo-${index}`);

const photo: fc.Arbitrary<Photo> = fc.record(
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

function expectSame(given: Photo | undefined, kept: Photo | undefined): void {
  expect(given).toStrictEqual(kept);
  // Two stamps that are the same object say that nothing followed `upload_started`.
  expect(given?.shown?.last === given?.shown?.started).toBe(kept?.shown?.last === kept?.shown?.started);
}

it("packed photos are given back as they were set, one or many, in the order in which they came", () => {
  fc.assert(
    fc.property(fc.array(photo, { minLength: 1, maxLength: 80 }), (photos) => {
      const packed = new PackedPhotos();
      const model = new Map<string, Photo>();
      for (const one of photos) {
        expect(packed.has(one.photoId)).toBe(model.has(one.photoId));
        expectSame(packed.get(one.photoId), model.get(one.photoId));
        packed.set(one.photoId, one);
        model.set(one.photoId, one);
        expectSame(packed.get(one.photoId), one);
        expect(packed.size).toBe(model.size);
      }
      const [given, kept] = [[...packed.values()], [...model.values()]];
      expect(given.map((one) => one.photoId)).toEqual(kept.map((one) => one.photoId));
      for (const [index, one] of kept.entries()) {
        expectSame(given[index], one);
        expectSame(packed.at(index), one);
        expect(packed.seqAt(index, "started")).toBe(one.shown?.started.seq ?? null);
        const last = one.shown?.last === one.shown?.started ? null : (one.shown?.last.seq ?? null);
        expect(packed.seqAt(index, "last")).toBe(last);
      }
      expect(packed.get("none")).toBeUndefined();
      expect(packed.at(kept.length)).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

it("a packed photo is a new one for each who asks: what becomes of it is kept when it is set, and not before", () => {
  fc.assert(
    fc.property(photo, state, shown, (one, otherState, otherShown) => {
      const packed = new PackedPhotos();
      packed.set(one.photoId, one);
      const given = packed.get(one.photoId);
      if (given === undefined) throw new Error("it was not kept");
      const before = { ...given };
      given.state = otherState;
      given.shown = otherShown;
      expectSame(packed.get(one.photoId), before);
      packed.set(one.photoId, given);
      expectSame(packed.get(one.photoId), given);
      expect(packed.size).toBe(1);
    }),
  );
});
