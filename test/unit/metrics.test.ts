import { expect, test } from "vitest";
import { Histogram } from "../../src/metrics/histogram.ts";
import { Readings } from "../../src/metrics/readings.ts";
import { Registry } from "../../src/metrics/registry.ts";
import { Scraper } from "../../src/metrics/scrape.ts";
import { metricNames, metricOf, PREFIX } from "../../src/metrics/table.ts";
import { metricsText } from "../../src/metrics/text.ts";

/** Series and their values, as Prometheus reads them. */
function seriesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}

function read(write: (readings: Readings) => void) {
  const readings = new Readings();
  write(readings);
  return readings.snapshot();
}

test.each(metricNames)("%s is named, helped and labelled as Prometheus asks", (name) => {
  const { type, help, labels, bounds } = metricOf(name);
  expect(name).toMatch(/^[a-z][a-z_]*$/);
  expect(name.endsWith("_total")).toBe(type === "counter");
  expect(help).toMatch(/^[^\n]+\.$/);
  for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
  expect(bounds !== undefined).toBe(type === "histogram");
  expect(bounds ?? []).toEqual([...(bounds ?? [])].sort((a, b) => a - b));
});

test("every metric is told, also where no process has a figure for it", async () => {
  const text = await metricsText([]);
  for (const name of metricNames)
    expect(text).toContain(`\n# TYPE ${PREFIX}${name} ${metricOf(name).type}\n`);
  expect(seriesOf(text).size).toBe(0);
});

test("a histogram counts up to and including each bound", async () => {
  const histogram = new Histogram([0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe(value);
  histogram.observe(1, 3);
  const readings = new Readings();
  readings.histogram("event_age_seconds", { stage: "routed" }, histogram);
  const series = seriesOf(await metricsText([readings.snapshot()]));
  const bucket = (le: string) => series.get(`${PREFIX}event_age_seconds_bucket{stage="routed",le="${le}"}`);
  expect([bucket("0.1"), bucket("1"), bucket("+Inf")]).toEqual([2, 6, 7]);
  expect(series.get(`${PREFIX}event_age_seconds_count{stage="routed"}`)).toBe(7);
  expect(series.get(`${PREFIX}event_age_seconds_sum{stage="routed"}`)).toBeCloseTo(10.65);
});

test("series of several processes are summed, but for what names its process or is of the build", async () => {
  const age = new Histogram([1]);
  age.observe(0.5);
  const gateway = (name: string, count: number) =>
    read((readings) => {
      readings.set("connections", { transport: "sse" }, count);
      readings.set("process_up", { process: name }, 1);
      readings.set("build_info", { version: "1.0.0", node: "v20" }, 1);
      readings.histogram("event_age_seconds", { stage: "written" }, age);
    });
  // As they come over a link.
  const snapshots = JSON.parse(JSON.stringify([gateway("gateway-1", 2), gateway("gateway-2", 3)]));
  const series = seriesOf(await metricsText(snapshots));
  expect(series.get(`${PREFIX}connections{transport="sse"}`)).toBe(5);
  expect(series.get(`${PREFIX}process_up{process="gateway-1"}`)).toBe(1);
  expect(series.get(`${PREFIX}process_up{process="gateway-2"}`)).toBe(1);
  expect(series.get(`${PREFIX}build_info{version="1.0.0",node="v20"}`)).toBe(1);
  expect(series.get(`${PREFIX}event_age_seconds_count{stage="written"}`)).toBe(2);
});

test("a process that does not answer is down, and whoever asks meanwhile gets the same answer", async () => {
  let asked = 0;
  const registry = new Registry("core");
  const scraper = new Scraper(registry, async () => {
    asked += 1;
    return [{ name: "gateway-1", metrics: null }];
  });
  const [first, second] = await Promise.all([scraper.text(), scraper.text()]);
  expect(second).toBe(first);
  expect(asked).toBe(1);
  const series = seriesOf(first);
  expect(series.get(`${PREFIX}process_up{process="gateway-1"}`)).toBe(0);
  expect(series.get(`${PREFIX}process_up{process="core"}`)).toBe(1);
  await scraper.text();
  expect(asked).toBe(2);
  registry.close();
});

test("a process tells of itself", async () => {
  const registry = new Registry("core");
  const series = seriesOf(await metricsText([await registry.snapshot()]));
  registry.close();
  const own = (name: string) => series.get(`${PREFIX}process_${name}{process="core"}`);
  expect(own("uptime_seconds")).toBeGreaterThan(0);
  expect(own("cpu_seconds_total")).toBeGreaterThan(0);
  expect(own("resident_memory_bytes")).toBeGreaterThan(1e7);
  expect(own("heap_used_bytes")).toBeGreaterThan(1e6);
  expect(own("open_fds")).toBeGreaterThan(2);
  for (const quantile of ["0.5", "0.99", "1"]) {
    expect(
      series.get(`${PREFIX}process_loop_delay_seconds{process="core",quantile="${quantile}"}`),
    ).toBeGreaterThanOrEqual(0);
  }
});
