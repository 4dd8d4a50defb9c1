import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { counter, gauge, newHistogram, rate, trend } from "../../bench/metric.ts";
import { htmlOf } from "../../bench/report/html/page.ts";
import { junitOf } from "../../bench/report/junit.ts";
import { markdownOf } from "../../bench/report/markdown.ts";
import { drawResult, drawScenario, drawVerdict, lookOf } from "../../bench/report/terminal.ts";
import { widthOf } from "../../src/cli/watch/text.ts";
import { delivered, fullResult, resultOf, scenarioOf, seeded, times } from "./bench-result.ts";

const full = fullResult();
const plainLook = { columns: 80, color: false };
const RED = "latency · 10,000 events/s: SSE p99 154 ms, should be < 100 ms";

const hostile = resultOf([
  scenarioOf({
    id: "latency",
    variant: "a | b\u001b[31m\u0000",
    title: '<script>alert(1)</script> ]]> & "it\'s" `code` | *bold*',
    metrics: { lost: counter(2) },
    gates: { lost: ["count==0"] },
    more: { reasons: ["</summary> <b> \u0007 & more"], notes: ["# no head | no cell"] },
  }),
]);

describe("the result on a terminal", () => {
  test("fits its width, whatever that is", () => {
    for (const columns of [60, 80, 100, 120]) {
      for (const result of [full, hostile]) {
        for (const line of drawResult(result, { columns, color: true }).split("\n")) {
          expect(widthOf(stripVTControlCharacters(line)), line).toBeLessThanOrEqual(columns);
        }
      }
    }
  });

  test("is its scenarios, one after the other, and the verdict", () => {
    const parts = [...full.scenarios.map((scenario) => drawScenario(scenario, plainLook))];
    const whole = [...parts, drawVerdict(full, plainLook)].join("\n\n");
    expect(drawResult(full, plainLook).endsWith(`\n\n${whole}\n`)).toBe(true);
  });

  test("names each red gate with what it was and what it should be, at the very end", () => {
    const verdict = `${drawVerdict(full, plainLook)}\n`;
    expect(verdict).toContain("FAILED  3 of 32 gates are red");
    expect(verdict).toContain(`✗ ${RED}\n`);
    expect(verdict).toContain("✗ restart: lost messages 3, should be 0\n");
    expect(verdict).toContain("✗ restart: other clients p99 no samples, should be < 100 ms\n");
    expect(verdict).toContain("? storm: 4.1 % of the CPU was stolen by the host, more than 2 %\n");
    expect(verdict).toContain("– k6: k6 is not on the PATH: go install go.k6.io/k6\n");
    expect(verdict).toContain("again: npx progress-hub bench --profile ci\n");
  });

  test("knows what a metric is that was never measured", () => {
    const gates = { back: ["rate==1"], back_time: ["p(90)<900"], lost: ["count==0"] };
    const text = drawResult(resultOf([scenarioOf({ id: "storm", metrics: {}, gates })]), plainLook);
    expect(text).toContain("storm: clients back no samples, should be all\n");
    expect(text).toContain("storm: time to connect again p90 no samples, should be < 900 ms\n");
    expect(text).toContain("storm: lost messages no samples, should be 0\n");
  });

  test("says in one line what did not happen, and in one of its own what did", () => {
    const text = drawResult(full, { columns: 120, color: false });
    expect(text).toContain("✓ no lost messages, foreign messages, disordered messages, duplicate messages");
    expect(text).toMatch(/✗ lost messages +3 {2}= 0/);
  });

  test("never rounds a value to the limit that it misses", () => {
    const close = scenarioOf({
      id: "slow",
      metrics: { hub_memory: gauge(64.004, "MiB") },
      gates: { hub_memory: ["value<64"] },
    });
    expect(drawResult(resultOf([close]), plainLook)).toContain("64.004 MiB, should be < 64 MiB");
    const back = scenarioOf({
      id: "storm",
      metrics: { back: rate(99_999, 100_000) },
      gates: { back: ["rate==1"] },
    });
    expect(drawResult(resultOf([back]), plainLook)).toContain(
      "clients back 99,999 of 100,000, should be all",
    );
  });

  test("says at its end in one line what a busy machine was like, which is above at length", () => {
    const long =
      "Other processes had this machine's CPUs for 61.3 % of the time: stop them and run it again.";
    const brief = "busy machine: other processes 61.3 %";
    const busy = scenarioOf({ id: "latency", metrics: delivered(), conclusive: false });
    const result = resultOf([{ ...busy, reasons: [long], brief }]);
    expect(drawScenario(result.scenarios[0] ?? busy, { columns: 120, color: false })).toContain(`? ${long}`);
    const verdict = drawVerdict(result, plainLook);
    expect(verdict).toContain(`? latency: ${brief}\n`);
    expect(verdict).not.toContain("stop them");
  });

  test("is coloured on a terminal alone, and not against NO_COLOR", () => {
    const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 90 });
    expect(lookOf(terminal, {})).toEqual({ columns: 90, color: true });
    expect(lookOf(terminal, { NO_COLOR: "" }).color).toBe(true);
    expect(lookOf(terminal, { NO_COLOR: "1" }).color).toBe(false);
    expect(lookOf(terminal, { TERM: "dumb" }).color).toBe(false);
    expect(lookOf(new PassThrough(), {}).color).toBe(false);
    expect(drawResult(full, { columns: 80, color: true }).includes("\u001b")).toBe(true);
    expect(drawResult(full, plainLook).includes("\u001b")).toBe(false);
  });

  test("lets no control character of a title through", () => {
    expect(controlsIn(drawResult(hostile, plainLook))).toEqual([]);
  });

  test("tells apart all green, too busy, broken and nothing to judge", () => {
    const green = scenarioOf({ id: "storm", metrics: { back: rate(1, 1) }, gates: { back: ["rate==1"] } });
    const twice = { ...green, variant: "again" };
    const busy = scenarioOf({
      id: "latency",
      metrics: delivered(),
      gates: { sse: ["p(99)<1"] },
      conclusive: false,
    });
    const broken = { ...green, gates: [], outcome: "failed" as const, reasons: ["the hub died"] };
    expect(drawResult(resultOf([green, twice]), plainLook)).toContain("PASSED  All 2 gates are green");
    const open = drawResult(resultOf([green, busy]), plainLook);
    expect(open).toContain("INCONCLUSIVE  The machine was too busy: 1 of 2 gates can't be told");
    expect(drawResult(resultOf([broken]), plainLook)).toContain("FAILED  storm broke\n✗ storm: the hub died");
    expect(drawResult(resultOf([]), plainLook)).toContain("PASSED  Measured, without any gate");
  });
});

describe("the result as Markdown", () => {
  test("begins with the verdict and the red gates", () => {
    const text = markdownOf(full);
    expect(text).toMatch(
      /^## ❌ Bench: 3 of 32 gates are red\n\n- ❌ latency · 10,000 events\/s: SSE p99 154 ms, /,
    );
    expect(text).toContain("| ❌ | latency · 10,000 events/s |");
  });

  test("has as many cells in each row of a table, and no markup of others", () => {
    const text = markdownOf(hostile);
    const tables = text.split("\n\n").filter((part) => part.startsWith("|"));
    expect(tables).toHaveLength(2);
    for (const table of tables) {
      const cells = table.split("\n").map((row) => row.replace(/\\\|/g, "").split("|").length);
      expect(new Set(cells).size).toBe(1);
    }
    expect(text).not.toMatch(/<script|<b>|^# |<\/summary> <b/m);
    expect(text).toContain("&lt;script&gt;");
  });
});

describe("the result as JUnit", () => {
  test("is well-formed, also with others' text in it", () => {
    for (const result of [full, hostile]) expect(elementsOf(junitOf(result))).toContain("testsuites");
    expect(controlsIn(junitOf(hostile))).toEqual([]);
  });

  test("has a suite a scenario and a test a gate, and skips with the reason", () => {
    const xml = junitOf(full);
    const elements = elementsOf(xml);
    const count = (name: string) => elements.filter((one) => one === name).length;
    expect(count("testsuite")).toBe(7);
    // The skipped scenario, which has no gate, has a test of its own.
    expect(count("testcase")).toBe(32 + 1);
    expect(count("failure")).toBe(3);
    expect(count("skipped")).toBe(2);
    expect(xml).toContain(
      '<testsuites name="progress-hub bench" tests="33" failures="3" skipped="2" time="404.000">',
    );
    expect(xml).toContain(RED.replace("<", "&lt;"));
    expect(xml).toContain('<skipped message="k6 is not on the PATH: go install go.k6.io/k6"/>');
    expect(xml).toMatch(/<skipped message="inconclusive: .* stolen by the host, more than 2 %"\/>/);
    const names = [...xml.matchAll(/<testcase classname="[^"]*" name="([^"]*)"/g)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test("fails for a scenario that broke though no gate is red", () => {
    const broken = { ...scenarioOf({ id: "storm", metrics: {} }), outcome: "failed" as const };
    expect(junitOf(resultOf([{ ...broken, reasons: ["the hub died"] }]))).toContain(
      '<failure message="the hub died">',
    );
  });
});

describe("the report", () => {
  test("asks for no other file", () => {
    const html = htmlOf(full);
    for (const [, target] of html.matchAll(/(?:src|href|action|data)="([^"]*)"/g)) {
      expect(target).toMatch(/^(#scenario-\d+|data:,)$/);
    }
    expect(html.match(/url\(|@import|fetch\(|XMLHttpRequest|import\(/g)).toBeNull();
  });

  test("says each plot in words, with names that are there once", () => {
    const html = htmlOf(full);
    const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const plots = [...html.matchAll(/<svg [^>]*aria-labelledby="([^"]*)" aria-describedby="([^"]*)"/g)];
    expect(plots.length).toBeGreaterThan(15);
    for (const [, title, text] of plots) expect(ids).toEqual(expect.arrayContaining([title, text]));
    expect(html.split("SSE: half within 31.0 ms, 99 % within 154 ms, the slowest 365 ms")).toHaveLength(2);
  });

  test("leads from the red gates to their scenarios, and draws the line that they missed", () => {
    const html = htmlOf(full);
    const link = '<a href="#scenario-3">latency · 10,000 events/s</a>: SSE p99 <b>154 ms</b>';
    expect(html.split(link)).toHaveLength(2);
    const card = html.slice(html.indexOf('id="scenario-3"'), html.indexOf('id="scenario-4"'));
    expect(card.match(/class="limit-text"[^>]*>100 ms</g)).toHaveLength(2);
  });

  test("counts as worst p99 what a gate is on, not what comes late while all come back", () => {
    const storm = scenarioOf({ id: "storm", metrics: delivered({ medianMs: 900 }) });
    const gates = { sse: ["p(99)<100"] };
    const latency = scenarioOf({ id: "latency", metrics: delivered({ medianMs: 3 }), gates });
    const [, value] = /<dt>Worst p99<\/dt><dd>([^<]*)</.exec(htmlOf(resultOf([storm, latency]))) ?? [];
    expect(Number(value?.replace(" ms", ""))).toBeLessThan(100);
    expect(htmlOf(resultOf([storm])).includes("Worst p99")).toBe(false);
  });

  test("is well-formed inside, and escapes what others wrote", () => {
    for (const result of [full, hostile]) {
      const html = htmlOf(result);
      const main = html.slice(html.indexOf("<main>"), html.indexOf("</main>") + "</main>".length);
      expect(elementsOf(main)[0]).toBe("main");
    }
    expect(htmlOf(hostile).includes("<script>alert")).toBe(false);
  });

  test("draws what has no samples, one sample or nothing but zeros without a number gone wrong", () => {
    const one = newHistogram();
    one.recordValue(1);
    const odd = scenarioOf({
      id: "latency",
      metrics: { sse: trend(newHistogram()), socketio: trend(one), websocket: trend(times(1, 3, seeded(1))) },
      more: {
        durationMs: 0,
        series: [
          { name: "CPU hub", unit: "%", points: [[0, 0]] },
          { name: "latency p99", unit: "ms", points: [[0, 0]] },
          { name: "odd", unit: "", points: [] },
          { name: "long", unit: "", points: Array.from({ length: 5_000 }, (_, s) => [s, s % 7]) },
        ],
        stages: [
          { stage: "ingest", count: 0, p50: null, p99: null },
          { stage: "link", count: 1, p50: 0, p99: 0 },
        ],
      },
    });
    for (const result of [resultOf([odd]), resultOf([])]) {
      const html = htmlOf(result);
      const texts = [html.slice(0, html.indexOf("<script>")), drawResult(result, plainLook)];
      for (const text of texts) expect(text.match(/NaN|Infinity|undefined|null/g)).toBeNull();
    }
  });
});

function controlsIn(text: string): readonly string[] {
  return [...text].filter((character) => /\p{Cc}/u.test(character) && character !== "\n");
}

/** The names of all elements, in the order in which they begin; throws for what is not well-formed. */
function elementsOf(xml: string): readonly string[] {
  const names: string[] = [];
  const open: string[] = [];
  const tokens = /<\?[^?]*\?>|<(\/?)([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  let end = 0;
  for (const [token, close, name, , empty] of xml.matchAll(tokens)) {
    end += token.length;
    if (/&(?!(amp|lt|gt|quot|#39);)/.test(token)) throw new Error(`a bare & in ${token}`);
    if (name === undefined) continue;
    if (close === "/" && open.pop() !== name) throw new Error(`</${name}> closes what is not open`);
    if (close !== "/") names.push(name);
    if (close !== "/" && empty !== "/") open.push(name);
  }
  if (end !== xml.length || open.length > 0)
    throw new Error(`ends at ${xml.slice(end, end + 60)}, ${open} open`);
  return names;
}
