import { describe, expect, it } from "vitest";
import { fullJitterMs } from "../../src/backoff.ts";
import { retryAfterMs } from "../../src/publisher/retry-after.ts";

describe("full jitter", () => {
  const backoff = { minMs: 100, maxMs: 1_000 };

  it("doubles its ceiling with each failure, up to the maximum", () => {
    const ceilings = [1, 2, 3, 4, 5, 6, 2_000].map((failures) => fullJitterMs(failures, backoff, 1));
    expect(ceilings).toEqual([100, 200, 400, 800, 1_000, 1_000, 1_000]);
  });

  it("takes anything from zero to the ceiling", () => {
    expect([0, 0.25, 0.5].map((random) => fullJitterMs(2, backoff, random))).toEqual([0, 50, 100]);
  });
});

describe("Retry-After", () => {
  const nowMs = Date.parse("2026-11-23T10:00:00Z");

  it.each([
    ["0", 0],
    ["7", 7_000],
    [" 7 ", 7_000],
    ["Mon, 23 Nov 2026 10:00:30 GMT", 30_000],
    ["Monday, 23-Nov-26 10:00:30 GMT", 30_000],
    ["Mon, 23 Nov 2026 09:00:00 GMT", 0],
  ])("takes %j", (header, ms) => {
    expect(retryAfterMs(header, nowMs)).toBe(ms);
  });

  it.each([null, "", "-1", "1.5", "soon", "Monday", "2026-11-23"])("takes %j for absent", (header) => {
    expect(retryAfterMs(header, nowMs)).toBeNull();
  });
});
