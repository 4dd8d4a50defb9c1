import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { parseVsResult } from "../../bench/vs/result.ts";

/** The built program, since it starts itself, both sides and its load generators from what is built. */
const program = fileURLToPath(new URL("../../dist/bin/progress-hub.js", import.meta.url));
/** Twice two targets at the same time, each with load generators of its own. */
const TIMEOUT_MS = 180_000;
const folder = mkdtempSync(join(tmpdir(), "progress-hub-vs-"));
afterAll(() => rmSync(folder, { recursive: true }));

function bench(...args: readonly string[]): Promise<{ readonly code: number | null; readonly out: string }> {
  const env = { ...process.env, GITHUB_STEP_SUMMARY: "" };
  const child = spawn(process.execPath, [program, "bench", ...args], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    out += chunk;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out })));
}

test(
  "bench --vs puts the same load on a hub and on bare-relay, and compare reads both again",
  async () => {
    const [json, again] = [join(folder, "vs.json"), join(folder, "again.json")];
    // A hub that is late on a busy machine is no matter of this test.
    const gates = join(folder, "gates.json");
    writeFileSync(gates, JSON.stringify({ "vs.bare-relay.cpu_per_event": ["value<=2"] }));
    const flags = [
      "--gates",
      gates,
      "--pairs",
      "1",
      "--connections",
      "40",
      "--duration",
      "1s",
      "--workers",
      "0",
    ];
    const vs = await bench("--vs", "bare-relay", ...flags, "--json", json);
    // One pair judges nothing.
    expect([vs.code, vs.out]).toEqual([3, expect.stringContaining("bars against bare-relay can't be told")]);
    const result = parseVsResult(readFileSync(json, "utf8"));
    expect(result.scenarios.map(({ variant }) => variant?.split(",")[0])).toEqual(["websocket", "sse"]);
    const [hub, baseline] = [result.runs.hub[0], result.runs.baseline[0]];
    expect([hub?.target.kind, baseline?.target.kind]).toEqual(["hub", "bare-relay"]);
    for (const scenario of [...(hub?.scenarios ?? []), ...(baseline?.scenarios ?? [])]) {
      expect(scenario.metrics.cpu_per_event).toMatchObject({ type: "gauge", unit: "µs" });
      expect(scenario.metrics.foreign).toMatchObject({ count: 0 });
      // One after the other they would have no rounds.
      expect(scenario.rounds).toHaveLength(4);
      expect(scenario.rounds?.reduce((sum, { cpuUs }) => sum + cpuUs, 0)).toBeGreaterThan(0);
    }
    for (const { ratios } of result.scenarios) {
      expect(ratios.find(({ metric }) => metric === "cpu_per_event")).toMatchObject({
        ratio: expect.any(Number),
        bars: [{ threshold: "value<=2", outcome: "inconclusive" }],
      });
    }
    const compared = await bench("compare", json);
    expect([compared.code, compared.out]).toEqual([3, expect.stringContaining("CPU per event")]);
    expect((await bench("compare", again)).code).toBe(2);
  },
  TIMEOUT_MS,
);
