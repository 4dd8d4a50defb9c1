import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { CATALOGUE } from "../../bench/gates/catalogue.ts";
import { type MetricSummary, parseResult, type ScenarioResult } from "../../bench/result.ts";
import { describeWithRedis } from "../redis/available.ts";

const script = fileURLToPath(new URL("../../dist/bin/progress-hub.js", import.meta.url));
const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** Runs scenarios as a user does, small and short. */
async function bench(...args: readonly string[]): Promise<readonly ScenarioResult[]> {
  const folder = await mkdtemp(join(tmpdir(), "progress-hub-scenarios-"));
  folders.push(folder);
  const json = join(folder, "result.json");
  const size = ["--connections", "60", "--duration", "3s", "--workers", "1"];
  const child = spawn(process.execPath, [script, "bench", ...args, ...size, "--json", json], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = await once(child, "close");
  // 3: the machine was too busy for the times, which are not looked at here; 1 for the same reason.
  expect([0, 1, 3], said).toContain(code);
  return parseResult(await readFile(json, "utf8")).scenarios;
}

/** Of the gates that hold on any machine, those that are not green: `metric value outcome`. */
function wrongOf({ id, gates, reasons }: ScenarioResult): readonly string[] {
  // What broke has none.
  if (gates.length === 0) return reasons;
  return gates
    .filter(({ metric }) => CATALOGUE.get(id)?.get(metric.slice(id.length + 1))?.correctness)
    .filter(({ outcome }) => outcome !== "passed")
    .map(({ metric, value, outcome }) => `${metric} ${value} ${outcome}`);
}

function countOf(metric: MetricSummary | undefined): number {
  return metric !== undefined && "count" in metric ? metric.count : Number.NaN;
}

test("a hub takes in and shows all that is posted, and tells simulated uploads as they were", async () => {
  const results = await bench("ingest", "realistic");
  expect(results.map(({ id }) => id)).toEqual(["ingest", "realistic"]);
  expect(results.flatMap(wrongOf)).toEqual([]);
  const [ingest, realistic] = results.map(({ metrics }) => metrics);
  for (const name of ["batches", "singles", "polls"]) expect(countOf(ingest?.[name])).toBeGreaterThan(0);
  expect(countOf(realistic?.trailing) + countOf(realistic?.socketio)).toBeGreaterThan(0);
  const ratio = realistic?.conflation_ratio;
  // No event is in two messages of one client.
  expect(ratio?.type === "gauge" ? ratio.value : 0).toBeGreaterThanOrEqual(1);
});

describeWithRedis("several hubs", () => {
  test("one hub's users are told of another hub's events, and nobody else is", async () => {
    const results = await bench("scale-out");
    expect(results.flatMap(wrongOf)).toEqual([]);
    const [metrics] = results.map((result) => result.metrics);
    for (const name of ["publications", "socketio", "websocket", "sse"]) {
      expect(countOf(metrics?.[name]), name).toBeGreaterThan(0);
    }
    expect(countOf(metrics?.strays)).toBe(0);
  });
});
