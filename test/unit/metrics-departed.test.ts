import fc from "fast-check";
import { expect, test } from "vitest";
import { Departed } from "../../src/metrics/departed.ts";
import { Histogram } from "../../src/metrics/histogram.ts";
import { Readings, type Snapshot } from "../../src/metrics/readings.ts";
import { AGE_BOUNDS } from "../../src/metrics/table.ts";
import { metricsText } from "../../src/metrics/text.ts";

/** A gateway that has written so many messages, each seen after 3 ms, and holds as many connections. */
function snapshotOf(name: string, written: number): Snapshot {
  const readings = new Readings();
  readings.set("messages_written_total", { transport: "sse" }, written);
  readings.set("connections", { transport: "sse" }, written);
  readings.set("links_made_total", { gateway: name }, 1);
  const ages = new Histogram(AGE_BOUNDS);
  for (let index = 0; index < written; index += 1) ages.observe(0.003);
  readings.histogram("event_age_seconds", { stage: "written" }, ages);
  return readings.snapshot();
}

async function scraped(departed: Departed, answers: ReadonlyMap<string, Snapshot | null>) {
  const present = [...answers.values()].filter((answer) => answer !== null);
  const text = await metricsText([...present, ...departed.update(answers)]);
  const figure = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0);
  return {
    written: figure(/^progress_hub_messages_written_total\{transport="sse"\} (\S+)$/m),
    aged: figure(/^progress_hub_event_age_seconds_count\{stage="written"\} (\S+)$/m),
    within5ms: figure(/^progress_hub_event_age_seconds_bucket\{stage="written",le="0.005"\} (\S+)$/m),
    connections: figure(/^progress_hub_connections\{transport="sse"\} (\S+)$/m),
    series: [...text.matchAll(/^progress_hub_links_made_total\{gateway="(\S+)"\}/gm)].map(([, name]) => name),
  };
}

test("what a gateway counted stays in the sums when it is silent, and when it is gone; what it holds does not", async () => {
  const departed = new Departed();
  const b = snapshotOf("b", 7);
  await scraped(
    departed,
    new Map([
      ["a", snapshotOf("a", 5)],
      ["b", b],
    ]),
  );
  const silent = await scraped(
    departed,
    new Map([
      ["a", null],
      ["b", b],
    ]),
  );
  expect(silent).toEqual({ written: 12, aged: 12, within5ms: 12, connections: 7, series: ["b"] });
  const gone = await scraped(
    departed,
    new Map([
      ["b", b],
      ["c", snapshotOf("c", 1)],
    ]),
  );
  expect(gone).toEqual({ written: 13, aged: 13, within5ms: 13, connections: 8, series: ["b", "c"] });
});

test("no sum ever falls, whoever comes, counts on, is silent or goes", async () => {
  const round = fc.record({
    name: fc.constantFrom("a", "b", "c"),
    does: fc.constantFrom("counts", "silent", "goes"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(round, { maxLength: 20 }), async (rounds) => {
      const departed = new Departed();
      const counted = new Map<string, number>();
      let [before, starts] = [0, 0];
      for (const { name, does } of rounds) {
        starts += 1;
        const key = [...counted.keys()].find((one) => one.startsWith(name)) ?? `${name}${starts}`;
        if (does === "goes") counted.delete(key);
        else counted.set(key, (counted.get(key) ?? 0) + 3);
        const answers = new Map<string, Snapshot | null>();
        for (const [one, written] of counted)
          answers.set(one, does === "silent" && one === key ? null : snapshotOf(one, written));
        const { written } = await scraped(departed, answers);
        expect(written).toBeGreaterThanOrEqual(before);
        before = written;
      }
    }),
    { numRuns: 50 },
  );
});
