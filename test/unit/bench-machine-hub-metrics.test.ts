import { expect, test } from "vitest";
import { hubCounts } from "../../bench/hub-metrics/counts.ts";
import { stageTimes } from "../../bench/hub-metrics/stages.ts";
import { Histogram } from "../../src/metrics/histogram.ts";
import { increaseOf, increases, increasesBy } from "../../src/metrics/increases.ts";
import { parseMetrics } from "../../src/metrics/parse.ts";
import { percentileOf } from "../../src/metrics/percentile.ts";
import { Readings } from "../../src/metrics/readings.ts";
import { AGE_BOUNDS } from "../../src/metrics/table.ts";
import { metricsText } from "../../src/metrics/text.ts";

test("reads names, labels and values, with what the format has of escapes, times and infinity", () => {
  const text = [
    '# HELP a_total Help with a{b="c"} 1 in it.',
    "a_total 1.5e3",
    'a_total{b="c, \\"d\\" } \\\\n",e=""} 7 1700000000000',
    'h_bucket{le="+Inf"} +Inf',
    "",
  ].join("\n");
  expect([...parseMetrics(text).values()]).toEqual([
    { name: "a_total", labels: {}, value: 1_500 },
    { name: "a_total", labels: { b: 'c, "d" } \\n', e: "" }, value: 7 },
    { name: "h_bucket", labels: { le: "+Inf" }, value: Number.POSITIVE_INFINITY },
  ]);
});

const written = (transport: string, value: number) =>
  `progress_hub_messages_written_total{transport="${transport}"} ${value}\n`;

test("what was counted between two scrapes: new series from 0, and anew where a process began anew", () => {
  const before = parseMetrics(`${written("sse", 10)}${written("polling", 500)}`);
  const after = parseMetrics(`${written("sse", 25)}${written("websocket", 4)}${written("polling", 30)}`);
  const grown = increases(before, after);
  expect(increaseOf(grown, "messages_written_total")).toBe(15 + 4 + 30);
  expect(increaseOf(grown, "messages_written_total", { transport: "sse" })).toBe(15);
  expect(increaseOf(grown, "slow_holds_total")).toBe(0);
  expect([...increasesBy(grown, "messages_written_total", "transport")]).toEqual([
    ["sse", 15],
    ["websocket", 4],
    ["polling", 30],
  ]);
});

test("percentiles: evenly spread within a bucket, the last bound at most, null without samples", () => {
  const buckets = [
    { upTo: 1, count: 0 },
    { upTo: 2, count: 100 },
    { upTo: 4, count: 200 },
    { upTo: Number.POSITIVE_INFINITY, count: 250 },
  ];
  expect(percentileOf(buckets, 20)).toBe(1.5);
  expect(percentileOf(buckets, 40)).toBe(2);
  expect(percentileOf(buckets, 60)).toBe(3);
  expect(percentileOf(buckets, 99)).toBe(4);
  expect(percentileOf(buckets, 0)).toBe(1);
  expect(percentileOf([{ upTo: Number.POSITIVE_INFINITY, count: 0 }], 50)).toBeNull();
  expect(percentileOf([], 50)).toBeNull();
});

/** As a hub tells it, which had these ages, in seconds, at the stage `merged`. */
async function scrapeOf(ages: readonly number[]) {
  const histogram = new Histogram(AGE_BOUNDS);
  for (const age of ages) histogram.observe(age);
  const readings = new Readings();
  readings.histogram("event_age_seconds", { stage: "merged" }, histogram);
  readings.set("messages_conflated_total", {}, ages.length);
  readings.set("process_cpu_seconds_total", { process: "core" }, ages.length / 4);
  readings.set("events_total", { source: "cloudevents", type: "t", result: "accepted" }, ages.length);
  return parseMetrics(await metricsText([readings.snapshot()]));
}

test("stages and counts of a scenario, without what was before it, from the hub's own text", async () => {
  const warmUp = Array<number>(50).fill(5);
  const grown = increases(await scrapeOf(warmUp), await scrapeOf([...warmUp, 0.002, 0.002, 0.0075, 0.02]));
  const [merged, routed] = stageTimes(grown);
  expect(merged).toMatchObject({ stage: "merged", count: 4, p50: 2.5 });
  expect(merged?.p99).toBeCloseTo(24.4);
  expect(routed).toEqual({ stage: "routed", count: 0, p50: null, p99: null });
  expect(hubCounts(grown)).toMatchObject({
    messagesConflated: 4,
    cpuSeconds: 1,
    eventsByResult: new Map([["accepted", 4]]),
  });
});
