import type { BenchResult, MetricSummary, ScenarioResult } from "../result.ts";
import {
  durationText,
  gatesOn,
  gatesWith,
  headline,
  limitWords,
  loadWords,
  machineWords,
  metricTitle,
  numberText,
  type Outcome,
  openScenarios,
  redSentence,
  scenarioName,
  summaryText,
  targetWords,
} from "./words.ts";

/** With colour of its own, which Markdown has none of. */
export const EMOJI: Readonly<Record<Outcome, string>> = {
  passed: "✅",
  failed: "❌",
  inconclusive: "⚠️",
  skipped: "⏭️",
};

/** GitHub's Markdown, for a file or `$GITHUB_STEP_SUMMARY`. */
export function markdownOf(result: BenchResult): string {
  const red = gatesWith(result, "failed").map(
    ({ scenario, gate }) => `- ❌ ${plain(redSentence(scenario, gate))}`,
  );
  const open = openScenarios(result).map(
    (scenario) =>
      `- ${EMOJI[scenario.outcome]} ${plain(`${scenarioName(scenario)}: ${scenario.reasons.join("; ")}`)}`,
  );
  return `${[
    `## ${EMOJI[result.outcome]} Bench: ${plain(headline(result))}`,
    ...(red.length + open.length > 0 ? [[...red, ...open].join("\n")] : []),
    overview(result),
    ...result.scenarios.filter(({ metrics }) => Object.keys(metrics).length > 0).map(details),
    [
      `${plain(targetWords(result))}  `,
      `${plain(machineWords(result))}  `,
      `${plain(result.startedAt)}, ${durationText(result.durationMs)}, profile ${plain(result.profile)}  `,
      `Again: ${code(result.command)}`,
    ].join("\n"),
  ].join("\n\n")}\n`;
}

/** The heads and rows of a table, whose cells may hold Markdown: they are not escaped. */
export function markdownTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  textColumns: number,
): string {
  const rule = heads.map((_, index) => (index < textColumns ? "---" : "---:"));
  return [heads, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Text of others: it neither marks up nor ends a cell. */
export function plain(text: string): string {
  return entities(text.replace(/\s+/g, " ")).replace(/^[#+-]|[\\`*_[\]|~]/g, "\\$&");
}

function entities(text: string): string {
  return text.replace(/[&<>]/g, (character) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[character] ?? "");
}

function overview(result: BenchResult): string {
  const rows = result.scenarios.map((scenario) => [
    EMOJI[scenario.outcome],
    plain(scenarioName(scenario)),
    plain(loadWords(scenario.load).join(", ")),
    ...["socketio", "websocket", "sse"].map((name) => trendCell(scenario.metrics[name])),
    `${scenario.gates.filter(({ outcome }) => outcome === "passed").length}/${scenario.gates.length}`,
  ]);
  return markdownTable(
    ["", "scenario", "load", "Socket.IO p99", "WebSocket p99", "SSE p99", "gates"],
    rows,
    3,
  );
}

function trendCell(summary: MetricSummary | undefined): string {
  return summary?.type === "trend" ? summaryText(summary) : "";
}

function details(scenario: ScenarioResult): string {
  const rows = Object.entries(scenario.metrics).map(([name, summary]) => {
    const gates = gatesOn(scenario, name);
    return [
      plain(metricTitle(scenario.id, name)),
      ...cellsOf(summary),
      gates.map((gate) => `${EMOJI[gate.outcome]} ${plain(limitWords(scenario, gate))}`).join(" "),
    ];
  });
  // A line of HTML, in which Markdown's own escapes would be seen.
  const summary = entities(`${scenarioName(scenario)}: ${scenario.title}`.replace(/\s+/g, " "));
  const heads = ["", "count", "p50", "p99", "p99.9", "max", "value", "gates"];
  return [
    `<details><summary>${EMOJI[scenario.outcome]} ${summary}</summary>`,
    markdownTable(heads, rows, 1),
    ...scenario.notes.map(plain),
    "</details>",
  ].join("\n\n");
}

function cellsOf(summary: MetricSummary): readonly string[] {
  if (summary.type !== "trend") return ["", "", "", "", "", summaryText(summary)];
  const { count, med, p99, p999, max } = summary;
  const cells = [count, med, p99, p999, max].map((value) => (value === null ? "–" : numberText(value)));
  return [...cells, summary.unit];
}

function code(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `${fence}${text}${fence}` : `${fence} ${text} ${fence}`;
}
