import fc from "fast-check";
import { expect, test } from "vitest";
import { isoTimes } from "../../src/iso-times.ts";

const timesMs = fc.integer({ min: -62_167_219_200_000, max: 8_640_000_000_000_000 });

test("times are written as Date writes them, whatever came before", () => {
  fc.assert(
    fc.property(timesMs, fc.array(fc.integer({ min: -3_000, max: 3_000 })), (startMs, steps) => {
      const textOf = isoTimes();
      let unixMs = startMs;
      for (const step of [0, ...steps]) {
        unixMs = Math.min(8_640_000_000_000_000, unixMs + step);
        expect(textOf(unixMs)).toBe(new Date(unixMs).toISOString());
      }
    }),
  );
});
