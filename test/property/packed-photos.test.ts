import fc from "fast-check";
import { expect, it } from "vitest";
import type { Photo } from "../../src/domain/photo-view.ts";
import { PackedPhotos } from "../../src/engine/packed-photos.ts";
import { photo, shown, state } from "./arbitrary-photos.ts";

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
