import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { counter, gauge, trend } from "../../bench/metric.ts";
import type { BenchResult } from "../../bench/result.ts";
import { fullResult, resultOf, scenarioOf, seeded, times } from "./bench-result.ts";
import { command } from "./cli-harness.ts";

const folder = mkdtempSync(join(tmpdir(), "progress-hub-compare-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const compare = (...args: readonly string[]) => command(["bench", "compare", ...args]);

function lost(count: number): BenchResult {
  const metrics = { lost: counter(count) };
  return resultOf([scenarioOf({ id: "latency", metrics, gates: { lost: ["count==0"] } })]);
}

describe("bench compare", () => {
  test("ends with 0 for the same, and with 1 for what is worse in a gate", async () => {
    const [good, bad] = [file("good.json", lost(0)), file("bad.json", lost(3))];
    const same = await compare(good, good);
    expect([same.code, same.err]).toEqual([0, ""]);
    expect(same.out).toContain("1 pair: 0 better, 0 worse, 1 same");
    const worse = await compare(good, bad);
    expect(worse.code).toBe(1);
    expect(worse.out).toContain("✗ latency: lost messages 3 in B, 0 in A");
    expect((await compare(bad, good)).code).toBe(0);
  });

  test("takes a gate on a time that has turned red for worse, and what no gate is on not", async () => {
    const run = (medianMs: number, us: number, gates: Record<string, string[]> = { sse: ["p(99)<100"] }) =>
      resultOf([
        scenarioOf({
          id: "latency",
          metrics: { sse: trend(times(medianMs, 500, seeded(1))), cpu_per_event: gauge(us, "µs") },
          gates,
        }),
      ]);
    const quick = file("quick.json", run(3, 30));
    expect((await compare(quick, file("late.json", run(80, 30)))).code).toBe(1);
    expect((await compare(quick, file("later.json", run(9, 30)))).code).toBe(0);
    const dear = Array.from({ length: 5 }, (_, index) => file(`dear-${index}.json`, run(3, 60 + index)));
    const cheap = dear.map(() => quick);
    const both = await compare(...cheap, "--with", ...dear);
    expect(both.out).toContain("✗ latency: CPU per event 62 µs in B, 30 µs in A (×2.07)");
    expect(both.code).toBe(0);
  });

  test("ends with 1 when something broke in B that did not in A", async () => {
    const broken = scenarioOf({ id: "latency", metrics: {} });
    const run = resultOf([{ ...broken, outcome: "failed", reasons: ["the hub ended (1)"] }]);
    const { code, out } = await compare(file("whole.json", lost(0)), file("broken.json", run));
    expect(code).toBe(1);
    expect(out).toContain("✗ latency broke in B: the hub ended (1)");
  });

  test("names each file that is wrong, and what is wrong with it", async () => {
    const good = file("fine.json", fullResult());
    const wrong = [
      file("none.json", "{"),
      file("other.json", { version: 99 }),
      file("no-result.json", []),
      file("half.json", { ...lost(0), machine: {} }),
      join(folder, "absent.json"),
    ];
    const { code, err } = await compare(...wrong, "--with", good);
    expect(code).toBe(2);
    const [none, other, noResult, half, absent] = err.trim().split("\n");
    expect(none).toMatch(/none\.json is no JSON: /);
    expect(other).toMatch(/other\.json is a result of version 99; this progress-hub reads version 1$/);
    expect(noResult).toMatch(/no-result\.json is no result of bench --json/);
    expect(half).toMatch(/half\.json is no result of bench --json: machine\.cpu: /);
    expect(absent).toMatch(/absent\.json can't be read \(ENOENT\)$/);
  });

  test("takes two files, or the others after --with", async () => {
    const good = file("two.json", lost(0));
    for (const args of [
      [good],
      [good, good, good],
      [good, "--marckdown", "x.md", good],
      [good, good, "--profile", "ci"],
    ]) {
      const { code, err } = await compare(...args);
      expect([code, err]).toEqual([
        2,
        expect.stringMatching(/--with|did you mean --markdown|--profile: not for compare/),
      ]);
    }
  });

  test("writes itself as Markdown, and as a page that asks for no other file", async () => {
    const [markdown, html] = [join(folder, "c.md"), join(folder, "c.html")];
    const [a, b] = [file("full.json", fullResult()), file("again.json", fullResult())];
    expect((await compare(a, b, "--markdown", markdown, "--html", html)).code).toBe(0);
    expect(readFileSync(markdown, "utf8")).toMatch(/^## Bench, B against A: 1 pair: /);
    const page = readFileSync(html, "utf8");
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain("<h2>latency · 10,000 events/s</h2>");
    expect(page.slice(0, page.indexOf("<script>")).match(/NaN|Infinity|undefined|null/g)).toBeNull();
  });
});
