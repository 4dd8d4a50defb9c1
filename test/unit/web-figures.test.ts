import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { figuresOf } from "../../src/web/operations/figures.ts";
import { type Step, stepBetween } from "../../src/web/operations/step.ts";
import { watched } from "../../src/web/operations/watched.ts";
import { readingAt } from "./web-metrics.ts";

const accepted = (count: number) => `events_total{source="cloudevents",type="t",result="accepted"} ${count}`;
const steps = (...readings: readonly (readonly string[])[]): readonly Step[] =>
  readings
    .slice(1)
    .map((lines, index) =>
      stepBetween(readingAt(2 * index, ...(readings[index] ?? [])), readingAt(2 * index + 2, ...lines)),
    );

describe("rates", () => {
  it("nothing is told of less than two readings, and 0 where nothing happened", () => {
    expect(figuresOf([])).toBeNull();
    expect(figuresOf(steps([accepted(7)], [accepted(7)]))).toMatchObject({
      eventsPerSecond: 0,
      conflated: null,
    });
  });

  it("are the mean of all steps, over all series", () => {
    const refused = (count: number) => `events_total{source="tusd",type="t",result="invalid_field"} ${count}`;
    const figures = figuresOf(steps([accepted(5)], [accepted(15)], [accepted(15), refused(2)]));
    expect(figures?.eventsPerSecond).toBe(12 / 4);
  });

  it("a counter that begins anew counts from 0", () => {
    expect(figuresOf(steps([accepted(1_000)], [accepted(6)]))?.eventsPerSecond).toBe(3);
  });

  it("without a reset the rate is that of the ends, however often one looks; with one it is never below 0", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000), { minLength: 2, maxLength: 12 }), (counts) => {
        const read = (values: readonly number[]) =>
          figuresOf(steps(...values.map((value) => [accepted(value)])))?.eventsPerSecond ?? Number.NaN;
        const rising = counts.toSorted((a, b) => a - b);
        const risen = (rising.at(-1) ?? 0) - (rising[0] ?? 0);
        expect(read(rising)).toBeCloseTo(risen / (2 * (counts.length - 1)), 6);
        expect(read(counts)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it("conflation is the share of states that were never shown", () => {
    const lines = (shown: number, conflated: number) => [
      `messages_shown_total{type="upload_progress"} ${shown}`,
      `messages_conflated_total ${conflated}`,
    ];
    expect(figuresOf(steps(lines(10, 10), lines(40, 20)))?.conflated).toBe(0.25);
  });
});

describe("ages", () => {
  const bounds = ["0.01", "0.1", "1", "+Inf"];
  const ages = (...counts: readonly number[]) =>
    counts.map((count, index) => `event_age_seconds_bucket{stage="written",le="${bounds[index]}"} ${count}`);

  it("are those of the events between the readings, and not of all time", () => {
    const figures = figuresOf(steps(ages(1_000, 1_000, 1_000, 1_000), ages(1_000, 1_100, 1_100, 1_100)));
    expect(figures?.ages.written.p50).toBeCloseTo(0.055);
    expect(figures?.ages.merged).toEqual({ p50: null, p99: null });
  });

  it("of all steps together", () => {
    const figures = figuresOf(steps(ages(0, 0, 0, 0), ages(90, 90, 90, 90), ages(90, 90, 100, 100)));
    expect(figures?.ages.written.p50).toBeLessThan(0.01);
    expect(figures?.ages.written.p99).toBeGreaterThan(0.1);
  });

  it("above the last bound they are told as that bound", () => {
    expect(figuresOf(steps(ages(0, 0, 0, 0), ages(0, 0, 0, 5)))?.ages.written.p50).toBe(1);
  });

  it("are within the bounds, the median before p99, whatever the counters do", () => {
    const counts = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99), fc.nat(99));
    fc.assert(
      fc.property(counts, counts, (before, after) => {
        const { p50, p99 } = figuresOf(steps(ages(...before), ages(...after)))?.ages.written ?? {};
        if (typeof p50 !== "number" || typeof p99 !== "number") return expect(p50).toBe(p99);
        expect(p50).toBeGreaterThanOrEqual(0);
        expect(p99).toBeLessThanOrEqual(1);
        expect(p50).toBeLessThanOrEqual(p99);
      }),
    );
  });
});

describe("CPU", () => {
  const cpu = (process: string, seconds: number) =>
    `process_cpu_seconds_total{process="${process}"} ${seconds}`;

  it("is of each process that was there both times; what one used before it was seen is not of now", () => {
    const figures = figuresOf(
      steps(
        [cpu("core", 100)],
        [cpu("core", 101), cpu("gateway-2", 500)],
        [cpu("core", 102), cpu("gateway-2", 500.5)],
      ),
    );
    expect([...(figures?.cpu ?? [])]).toEqual([
      ["core", 0.5],
      ["gateway-2", 0.25],
    ]);
  });

  it("of a process that was replaced by one of the same name is what the new one used", () => {
    expect(figuresOf(steps([cpu("core", 100)], [cpu("core", 1)]))?.cpu.get("core")).toBe(0.5);
  });
});

describe("the last minutes", () => {
  const at = (seconds: number) => readingAt(seconds, accepted(10 * seconds));
  const seen = (...times: readonly number[]) => {
    const first = watched(null, at(times[0] ?? 0));
    return times.slice(1).reduce((before, seconds) => watched(before, at(seconds)), first);
  };
  const everyTwo = (until: number) => Array.from({ length: until / 2 + 1 }, (_, index) => 2 * index);

  it("the figures are the mean of about ten seconds", () => {
    const { steps: kept, figures } = seen(...everyTwo(40));
    expect(kept.reduce((sum, { seconds }) => sum + seconds, 0)).toBe(10);
    expect(figures?.eventsPerSecond).toBe(10);
  });

  it("ten minutes are kept, in order", () => {
    const { points } = seen(...everyTwo(900));
    expect(points.length).toBe(300);
    expect(points.map(({ unixMs }) => unixMs)).toEqual(points.map(({ unixMs }) => unixMs).toSorted());
  });

  it("a time in which nobody looked is a gap, and its mean is not mixed with what was before", () => {
    const { points, steps: kept } = seen(0, 2, 4, 60);
    expect(points.map(({ figures }) => figures === null)).toEqual([false, false, true, false]);
    expect(kept.map(({ seconds }) => seconds)).toEqual([56]);
  });

  it("a clock that was set back leaves no line that runs backwards", () => {
    const before = seen(0, 2, 4, 6);
    const after = watched(before, { ...at(8), unixMs: at(3).unixMs });
    expect(after.points.map(({ unixMs }) => unixMs)).toEqual([at(2).unixMs, at(3).unixMs]);
  });
});
