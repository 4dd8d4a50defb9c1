import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { awayMs, seenIn } from "../../bench/agreement.ts";
import { newHistogram } from "../../bench/metric.ts";

/** In milliseconds. */
function histogramOf(times: readonly number[]) {
  const histogram = newHistogram();
  for (const ms of times) histogram.recordValue(Math.round(ms * 1_000));
  return histogram;
}

/** Like the times of a hub: most are short, few are long. */
const aTime = fc
  .noBias(fc.integer({ min: 1, max: 1_000_000 }))
  .map((at) => 3 - 12 * Math.log(at / 1_000_000));
const ours = histogramOf(Array.from({ length: 20_000 }, (_, at) => 3 - 12 * Math.log((at + 0.5) / 20_000)));

describe("how far stock clients and k6 are from what we report", () => {
  it("is nothing for any part of the same messages", () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 5_000 }), (count) => {
        // Evenly drawn: what chance does on top is what the band is for.
        const some = Array.from({ length: count }, (_, at) => 3 - 12 * Math.log((at + 0.5) / count));
        expect(awayMs(ours, seenIn(histogramOf(some)))).toBeLessThan(0.1);
      }),
    );
  });

  it("is next to nothing for a hundred drawn by lot, and seldom more", () => {
    const away = fc
      .sample(fc.array(aTime, { minLength: 100, maxLength: 100 }), { numRuns: 500, seed: 5 })
      .map((some) => awayMs(ours, seenIn(histogramOf(some))) ?? 0);
    expect(away.filter((ms) => ms > 5).length).toBeLessThanOrEqual(5);
  });

  it("is what all of them are late, with a hundred messages or with many", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 5_000 }),
        fc.integer({ min: 20, max: 200 }),
        (count, lateMs) => {
          const some = Array.from(
            { length: count },
            (_, at) => lateMs + 3 - 12 * Math.log((at + 0.5) / count),
          );
          const away = awayMs(ours, seenIn(histogramOf(some))) ?? 0;
          expect(away).toBeGreaterThan(lateMs - 8);
          expect(away).toBeLessThanOrEqual(lateMs * 1.01 + 1);
        },
      ),
    );
  });

  it("sees a late hundredth of many messages", () => {
    const some = Array.from({ length: 3_000 }, (_, at) => {
      const ms = 3 - 12 * Math.log((at + 0.5) / 3_000);
      return at < 60 ? ms + 100 : ms;
    });
    expect(awayMs(ours, seenIn(histogramOf(some)))).toBeGreaterThan(20);
  });

  it("is early as well as late, and unknown without samples on either side", () => {
    const early = Array.from({ length: 1_000 }, () => 0.1);
    expect(awayMs(ours, seenIn(histogramOf(early)))).toBeGreaterThan(20);
    expect(awayMs(ours, seenIn(newHistogram()))).toBeNull();
    expect(awayMs(newHistogram(), seenIn(histogramOf(early)))).toBeNull();
  });
});
