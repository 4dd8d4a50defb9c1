import type { Output } from "../../src/cli/host.ts";
import { inColumns, printable, type Style, styled, widthOf } from "../../src/cli/watch/text.ts";
import type { BenchResult, GateVerdict, MetricSummary, ScenarioResult } from "../result.ts";
import {
  briefly,
  durationText,
  gatesOn,
  gatesWith,
  gateWords,
  headline,
  limitWords,
  loadWords,
  MARKS,
  machineWords,
  metricOf,
  metricTitle,
  numberText,
  type Outcome,
  openScenarios,
  redSentence,
  scenarioName,
  summaryText,
  targetWords,
} from "./words.ts";

/** How wide to draw, and whether in colour. */
export interface Look {
  readonly columns: number;
  readonly color: boolean;
}

type Trend = Extract<MetricSummary, { type: "trend" }>;

export const STYLES: Readonly<Record<Outcome, Style>> = {
  passed: "green",
  failed: "red",
  inconclusive: "yellow",
  skipped: "gray",
};
const WORDS: Readonly<Record<Outcome, string>> = {
  passed: "PASSED",
  failed: "FAILED",
  inconclusive: "INCONCLUSIVE",
  skipped: "SKIPPED",
};
/** Of a log, which has no width of its own. */
const LOG_COLUMNS = 100;
const MIN_COLUMNS = 60;
const MAX_COLUMNS = 120;
const NUMBER_COLUMNS = 8;
const GATE_COLUMNS = 14;

/** Colours only on a terminal, and not against NO_COLOR (no-color.org). */
export function lookOf(output: Output, env: Readonly<Record<string, string | undefined>>): Look {
  const color = output.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
  const columns = output.isTTY === true ? (output.columns ?? 80) : LOG_COLUMNS;
  return { columns: Math.min(MAX_COLUMNS, Math.max(MIN_COLUMNS, columns)), color };
}

/** The whole result, ending in a newline. */
export function drawResult(result: BenchResult, look: Look): string {
  const parts = [
    drawOrigin(result, look),
    ...result.scenarios.map((scenario) => drawScenario(scenario, look)),
  ];
  return `${[...parts, drawVerdict(result, look)].join("\n\n")}\n`;
}

/** One scenario: a table of its times, its other figures, and what there is to know. */
export function drawScenario(scenario: ScenarioResult, look: Look): string {
  const trends: [string, Trend][] = [];
  const others: [string, MetricSummary][] = [];
  for (const [name, summary] of Object.entries(scenario.metrics)) {
    if (summary.type === "trend") trends.push([name, summary]);
    else others.push([name, summary]);
  }
  return [
    drawTitle(scenario, look),
    ...indented(scenario.title, "  ", look),
    ...drawTrends(scenario, trends, look),
    ...drawFigures(scenario, others, look),
    ...drawStages(scenario, look),
    ...scenario.reasons.flatMap((reason) =>
      indented(reason, `  ${MARKS[doubtOf(scenario)]} `, look, STYLES[doubtOf(scenario)]),
    ),
    ...scenario.notes.flatMap((note) => indented(note, "  ", look, "dim")),
  ].join("\n");
}

/** What its reasons speak of: a busy machine makes no gate red, and none green. */
function doubtOf({ outcome, brief }: ScenarioResult): Outcome {
  return brief === undefined ? outcome : "inconclusive";
}

/** What it comes to: each red gate with what it was and what it should be. */
export function drawVerdict(result: BenchResult, look: Look): string {
  const red = gatesWith(result, "failed").flatMap(({ scenario, gate }) => {
    return indented(redSentence(scenario, gate), `${MARKS.failed} `, look, "red");
  });
  const open = openScenarios(result).flatMap((scenario) =>
    indented(
      `${scenarioName(scenario)}: ${briefly(scenario)}`,
      `${MARKS[doubtOf(scenario)]} `,
      look,
      STYLES[doubtOf(scenario)],
    ),
  );
  const again = indented(`again: ${result.command}`, "", look, "dim");
  return [
    styled("─".repeat(look.columns), "gray", look.color),
    `${badgeOf(result.outcome, look)} ${styled(headline(result), "bold", look.color)}`,
    ...red,
    ...open,
    ...again,
  ].join("\n");
}

/** What it came to, to be seen from afar. */
export function badgeOf(outcome: Outcome, { color }: Look): string {
  const badge = styled(` ${WORDS[outcome]} `, "inverse", color);
  return styled(styled(badge, STYLES[outcome], color), "bold", color);
}

function drawOrigin(result: BenchResult, look: Look): string {
  const run = `${result.startedAt}, ${durationText(result.durationMs)}, profile ${result.profile}`;
  const lines = [targetWords(result), machineWords(result), run];
  return lines.flatMap((line) => indented(line, "", look, "dim")).join("\n");
}

function drawTitle(scenario: ScenarioResult, { columns, color }: Look): string {
  const style = STYLES[scenario.outcome];
  const load = loadWords(scenario.load).map((words) => words.replace(/ \(.*/, ""));
  const facts = [...load, ...(scenario.durationMs > 0 ? [durationText(scenario.durationMs)] : [])];
  const name = inColumns(printable(scenarioName(scenario)), columns - 2).trimEnd();
  const room = columns - 4 - widthOf(name);
  const fitting = facts.findIndex((_, index) => facts.slice(index).join(", ").length <= room);
  const aside = fitting < 0 ? "" : facts.slice(fitting).join(", ");
  const gap = columns - 2 - widthOf(name) - aside.length;
  const title = `${styled(MARKS[scenario.outcome], style, color)} ${styled(name, "bold", color)}`;
  return `${title}${" ".repeat(gap)}${styled(aside, "dim", color)}`.trimEnd();
}

function drawTrends(
  scenario: ScenarioResult,
  trends: readonly (readonly [string, Trend])[],
  { columns, color }: Look,
): string[] {
  if (trends.length === 0) return [];
  const wide = columns >= 100;
  const heads = ["count", "p50", ...(wide ? ["p90"] : []), "p99", "p99.9", "max"];
  const nameColumns = columns - 4 - heads.length * NUMBER_COLUMNS - GATE_COLUMNS - 2;
  const head = `${" ".repeat(nameColumns + 4)}${heads.map(inNumberColumn).join("")}  ${trends[0]?.[1].unit ?? ""}`;
  const rows = trends.map(([name, { count, med, p90, p99, p999, max }]) => {
    const gates = gatesOn(scenario, name);
    const cells = [count, med, ...(wide ? [p90] : []), p99, p999, max].map((value) =>
      inNumberColumn(value === null ? "–" : numberText(value)),
    );
    // The table's head has the unit.
    const limits = gates.map((gate) => limitWords(scenario, gate).replace(/ ms$/, "")).join(", ");
    const title = inColumns(printable(metricTitle(scenario.id, name)), nameColumns);
    const row = `  ${markOf(gates, color)} ${title}${cells.join("")}  `;
    return `${row}${limitStyled(limits, gates, color)}`.trimEnd();
  });
  return [styled(head, "dim", color), ...rows];
}

function drawFigures(
  scenario: ScenarioResult,
  figures: readonly (readonly [string, MetricSummary])[],
  look: Look,
): string[] {
  const { columns, color } = look;
  const quiet = figures.flatMap(([name, summary]) => (isQuiet(scenario, name, summary) ? [name] : []));
  const titleColumns = Math.min(44, columns - 34);
  const rows = figures
    .filter(([name]) => !quiet.includes(name))
    .map(([name, summary]) => {
      const gates = gatesOn(scenario, name);
      const title = inColumns(printable(metricTitle(scenario.id, name)), titleColumns);
      const limits = gates.map((gate) => limitWords(scenario, gate)).join(", ");
      const value = summaryText(summary).padStart(16);
      return `  ${markOf(gates, color)} ${title}${value}  ${limitStyled(limits, gates, color)}`.trimEnd();
    });
  // A gate whose metric was never measured has no row of its own.
  const unmeasured = scenario.gates
    .filter((gate) => !(metricOf(gate) in scenario.metrics))
    .flatMap((gate) => {
      const { what, limit } = gateWords(scenario, gate);
      return indented(`${what}: no samples, should be ${limit}`, `  ${MARKS.failed} `, look, "red");
    });
  return [...rows, ...drawQuiet(scenario, quiet, look), ...unmeasured];
}

/** Nothing happened of what must not: one line is enough for all of them. */
function drawQuiet(scenario: ScenarioResult, names: readonly string[], look: Look): string[] {
  if (names.length === 0) return [];
  const titles = names.map((name) => metricTitle(scenario.id, name)).join(", ");
  const [first = "", ...rest] = indented(`no ${titles}`, "    ", look);
  const gates = names.flatMap((name) => gatesOn(scenario, name));
  return [`  ${markOf(gates, look.color)} ${first.slice(4)}`, ...rest];
}

function isQuiet(scenario: ScenarioResult, name: string, summary: MetricSummary): boolean {
  const green = gatesOn(scenario, name).every(({ outcome }) => outcome === "passed");
  return summary.type === "counter" && summary.count === 0 && green;
}

function drawStages({ stages }: ScenarioResult, look: Look): string[] {
  const words = stages.flatMap(({ stage, p99 }) => (p99 === null ? [] : [`${stage} ${numberText(p99)}`]));
  return words.length === 0 ? [] : indented(`p99 by stage, ms: ${words.join(", ")}`, "    ", look, "dim");
}

function limitStyled(text: string, gates: readonly GateVerdict[], color: boolean): string {
  return text === "" ? "" : styled(text, worst(gates) === "failed" ? "red" : "dim", color);
}

function markOf(gates: readonly GateVerdict[], color: boolean): string {
  const outcome = worst(gates);
  return outcome === null ? " " : styled(MARKS[outcome], STYLES[outcome], color);
}

function worst(gates: readonly GateVerdict[]): GateVerdict["outcome"] | null {
  const order = ["failed", "inconclusive", "passed"] as const;
  return order.find((outcome) => gates.some((gate) => gate.outcome === outcome)) ?? null;
}

function inNumberColumn(text: string): string {
  return text.padStart(NUMBER_COLUMNS);
}

/** Text of any length in lines that fit, the first after `lead` and the others under it. */
export function indented(
  text: string,
  lead: string,
  { columns, color }: Look,
  style: Style | null = null,
): string[] {
  const width = columns - lead.length;
  const lines: string[] = [];
  for (const word of printable(text).split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || widthOf(last) + 1 + widthOf(word) > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map((line, index) => {
    const whole = `${index === 0 ? lead : " ".repeat(lead.length)}${line}`;
    return style === null ? whole : styled(whole, style, color);
  });
}
