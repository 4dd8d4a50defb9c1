import { expect, test } from "vitest";
import { type Timed, Wheel } from "../../src/gateway/wheel.ts";

const TICK_MS = 100;

/** A wheel whose clocks stand still until moved; `looks` names each entry with the time it was looked at. */
function manualWheel() {
  const clock = { nowMs: 50, stepMs: 1_000_000 };
  const wheel = new Wheel(
    TICK_MS,
    () => clock.nowMs,
    () => clock.nowMs + clock.stepMs,
  );
  const looks: [string, number][] = [];
  const entry = (name: string, again: (nowMs: number) => number = () => Number.POSITIVE_INFINITY): Timed => ({
    dueMs: Number.POSITIVE_INFINITY,
    onDue(nowMs) {
      looks.push([name, nowMs]);
      return again(nowMs);
    },
  });
  const run = (untilMs: number, stepMs = TICK_MS) => {
    while (clock.nowMs < untilMs) {
      clock.nowMs = Math.min(untilMs, clock.nowMs + stepMs);
      wheel.advance();
    }
  };
  return { wheel, clock, looks, entry, run };
}

test.each([0, 1, 149, 150, 151, 5_000, 51_199, 51_200, 51_300, 400_000])(
  "due in %i ms: looked at once, not before, and at most two ticks late",
  (delayMs) => {
    const { wheel, clock, looks, entry, run } = manualWheel();
    const dueMs = clock.nowMs + delayMs;
    wheel.schedule(entry("a"), dueMs);
    run(500_000);
    expect(looks).toHaveLength(1);
    expect(looks[0]?.[1]).toBeGreaterThanOrEqual(dueMs);
    expect(looks[0]?.[1]).toBeLessThanOrEqual(dueMs + 2 * TICK_MS);
  },
);

test("what was due long ago is due at the next tick", () => {
  const { wheel, looks, entry, run } = manualWheel();
  wheel.schedule(entry("a"), -1_000_000);
  run(200);
  expect(looks).toHaveLength(1);
});

test("an entry says itself when to be looked at again", () => {
  const { wheel, looks, entry, run } = manualWheel();
  wheel.schedule(
    entry("a", (nowMs) => (nowMs < 1_000 ? nowMs + 300 : Number.POSITIVE_INFINITY)),
    100,
  );
  run(5_000);
  expect(looks.length).toBeGreaterThanOrEqual(3);
  expect(looks.length).toBeLessThanOrEqual(5);
});

test("cancelled or rescheduled, the old time means nothing", () => {
  const { wheel, looks, entry, run } = manualWheel();
  const [gone, later] = [entry("gone"), entry("later")];
  wheel.schedule(gone, 300);
  wheel.schedule(later, 300);
  wheel.cancel(gone);
  wheel.schedule(later, 900);
  run(800);
  expect(looks).toEqual([]);
  run(2_000);
  expect(looks.map(([name]) => name)).toEqual(["later"]);
});

test("after a long pause everything due is looked at once, also what is always due", () => {
  const { wheel, looks, entry, run } = manualWheel();
  wheel.schedule(entry("early"), 1_000);
  wheel.schedule(entry("late"), 99_000);
  wheel.schedule(
    entry("always", () => 0),
    500,
  );
  run(100_000, 100_000);
  expect(looks.map(([name]) => name).sort()).toEqual(["always", "early", "late"]);
});

test("an entry may cancel another that is due in the same tick", () => {
  const { wheel, looks, entry, run } = manualWheel();
  const victim = entry("victim");
  const killer = entry("killer", () => {
    wheel.cancel(victim);
    return Number.POSITIVE_INFINITY;
  });
  wheel.schedule(killer, 300);
  wheel.schedule(victim, 310);
  run(2_000);
  expect(looks.map(([name]) => name)).toEqual(["killer"]);
});

test("when the wall clock is set, everything is looked at: expiry times are wall-clock times", () => {
  const { wheel, clock, looks, entry, run } = manualWheel();
  wheel.schedule(
    entry("far", (nowMs) => nowMs + 1_000_000),
    1_000_000,
  );
  run(1_000);
  expect(looks).toEqual([]);
  clock.stepMs += 3_600_000;
  run(1_200);
  expect(looks.map(([name]) => name)).toEqual(["far"]);
  run(5_000);
  expect(looks).toHaveLength(1);
});

test("stopped, it looks at nothing any more", () => {
  const { wheel, looks, entry, run } = manualWheel();
  wheel.schedule(entry("a"), 300);
  wheel.stop();
  run(2_000);
  expect(looks).toEqual([]);
});
