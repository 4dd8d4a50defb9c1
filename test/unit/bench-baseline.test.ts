import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type BaselineFile, baselineGates, baselineOf, parseBaseline } from "../../bench/gates/baseline.ts";
import { judge } from "../../bench/gates/judge.ts";
import { gauge } from "../../bench/metric.ts";
import { resultOf, scenarioOf } from "./bench-result.ts";
import { command } from "./cli-harness.ts";

const folder = mkdtempSync(join(tmpdir(), "progress-hub-baseline-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SSE = { id: "cost", variant: "sse, 1,000 events/s" };
const metrics = (us: number) => new Map([["cpu_per_event", gauge(us, "µs")]]);
const before = resultOf([
  scenarioOf({ ...SSE, metrics: Object.fromEntries(metrics(30)) }),
  scenarioOf({ id: "latency", metrics: Object.fromEntries(metrics(99)) }),
]);
const file = parseBaseline(JSON.stringify(baselineOf(before)));
const HERE = { vs: null, workers: 1, machine: before.machine };

function outcomeOf(us: number, conclusive = true): string | undefined {
  const { gates } = baselineGates(file, SSE, HERE);
  return judge("cost", metrics(us), gates, { conclusive })[0]?.outcome;
}

test("a cost may be 10 % above that of the baseline file", () => {
  expect(file.figures).toEqual({ "cost · sse, 1,000 events/s": { cpu_per_event: 30 } });
  expect(baselineGates(file, SSE, HERE)).toMatchObject({
    gates: [{ scenario: "cost", metric: "cpu_per_event", threshold: { text: "value<=33" } }],
    remark: null,
  });
  expect([outcomeOf(32.9), outcomeOf(33.1), outcomeOf(99, false)]).toEqual([
    "passed",
    "failed",
    "inconclusive",
  ]);
});

test("a cost is not judged where the file is of something else, and that is said", () => {
  const others: readonly (readonly [Parameters<typeof baselineGates>[2], RegExp])[] = [
    [
      { ...HERE, machine: { cpu: "Other", cores: 2 } },
      /: other machine \(it is of AMD EPYC 7B13, 2 cores\)\.$/,
    ],
    [{ ...HERE, machine: { ...before.machine, cores: 8 } }, /: other machine/],
    [{ ...HERE, workers: 0 }, /: it is of 1 worker, not 0 workers\.$/],
    [{ ...HERE, vs: "bare-relay" }, /: its figures are costs, and these are not\.$/],
  ];
  for (const [now, remark] of others) {
    expect(baselineGates(file, SSE, now)).toEqual({ gates: [], remark: expect.stringMatching(remark) });
  }
  expect(baselineGates(file, { ...SSE, variant: "sse" }, HERE).remark).toMatch(/no figures of this scenario/);
});

test("a ratio is judged on any machine", () => {
  const ratios: BaselineFile = {
    ...file,
    vs: "bare-relay",
    figures: { "cost · sse, 1,000 events/s": { cpu_per_event: 1.5 } },
  };
  const elsewhere = { ...HERE, vs: "bare-relay", machine: { cpu: "Other", cores: 64 } };
  expect(baselineGates(ratios, SSE, elsewhere)).toMatchObject({
    gates: [{ scenario: "vs", metric: "bare-relay.cpu_per_event", threshold: { text: "value<=1.65" } }],
    remark: null,
  });
});

test("bench refuses a baseline file that is none, before it starts anything", async () => {
  const wrong = join(folder, "wrong.json");
  writeFileSync(wrong, JSON.stringify(before));
  const { code, err } = await command(["bench", "cost", "--baseline", wrong]);
  expect([code, err]).toEqual([
    2,
    expect.stringMatching(/--baseline .* is no file of --write-baseline: kind: /),
  ]);
  expect((await command(["bench", "cost", "--baseline", join(folder, "none")])).err).toMatch(/ENOENT/);
});
