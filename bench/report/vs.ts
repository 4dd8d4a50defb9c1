import { styled } from "../../src/cli/watch/text.ts";
import type { VsResult, VsScenario } from "../vs/result.ts";
import type { VsRun } from "../vs/run.ts";
import { EMOJI, plain } from "./markdown.ts";
import { drawSides, type SideRow, sidesMarkdown } from "./sides.ts";
import { badgeOf, indented, type Look, STYLES } from "./terminal.ts";
import { VS_HEADS, vsHeadline, vsOpen, vsOrigin, vsRed, vsRowOf } from "./vs-words.ts";
import { isBroken, MARKS, machineWords, scenarioName, summaryText } from "./words.ts";

const RUN_METRICS = [
  ["cpu_per_event", "an event"],
  ["pss_per_connection_after", "a connection"],
] as const;

/** A line a scenario of one run, while the others are still to come. */
export function drawVsRun({ pair, result }: VsRun, look: Look): string {
  const lines = result.scenarios.flatMap((scenario) => {
    const figures = RUN_METRICS.flatMap(([name, of]) => {
      const summary = scenario.metrics[name];
      return summary === undefined ? [] : [`${summaryText(summary)} ${of}`];
    });
    const broken = isBroken(scenario) ? scenario.reasons : [];
    const what = `${pair}  ${result.target.kind}  ${scenarioName(scenario)}`;
    const words = [what, ...figures, ...broken].join("  ");
    return indented(words, `${MARKS[scenario.outcome]} `, look, STYLES[scenario.outcome]);
  });
  return lines.join("\n");
}

/** All ratios on the terminal, ending in a newline: the tables, then what they come to. */
export function drawVs(result: VsResult, look: Look): string {
  const tables = result.scenarios.map((scenario) => drawScenario(scenario, look));
  const lines = [
    styled("─".repeat(look.columns), "gray", look.color),
    `${badgeOf(result.outcome, look)} ${styled(vsHeadline(result), "bold", look.color)}`,
    ...vsRed(result).flatMap((text) => indented(text, `${MARKS.failed} `, look, "red")),
    ...vsOpen(result).flatMap((text) => indented(text, `${MARKS.inconclusive} `, look, "yellow")),
    ...result.remarks.flatMap((text) => indented(text, "", look)),
    ...[...vsOrigin(result), `again: ${result.command}`].flatMap((text) => indented(text, "", look, "dim")),
  ];
  return `${[...tables, lines.join("\n")].join("\n\n")}\n`;
}

/** The same in GitHub's Markdown. */
export function vsMarkdown(result: VsResult): string {
  const points = [
    ...vsRed(result).map((text) => `- ${EMOJI.failed} ${plain(text)}`),
    ...vsOpen(result).map((text) => `- ${EMOJI.inconclusive} ${plain(text)}`),
    ...result.remarks.map((text) => `- ${plain(text)}`),
  ];
  const tables = result.scenarios.flatMap((scenario) => [
    `### ${plain(scenarioName(scenario))}`,
    sidesMarkdown(VS_HEADS, rowsOf(scenario), EMOJI),
  ]);
  const [hub] = result.runs.hub;
  const origin = [
    ...vsOrigin(result),
    ...(hub === undefined ? [] : [machineWords(hub)]),
    result.startedAt,
    `Again: ${result.command}`,
  ];
  return `${[
    `## ${EMOJI[result.outcome]} Bench: ${plain(vsHeadline(result))}`,
    ...(points.length === 0 ? [] : [points.join("\n")]),
    ...tables,
    origin.map((text) => `${plain(text)}  `).join("\n"),
  ].join("\n\n")}\n`;
}

function drawScenario(scenario: VsScenario, look: Look): string {
  const rows = rowsOf(scenario).map((row) => ({
    ...row,
    verdict:
      row.verdict === null
        ? null
        : { ...row.verdict, words: `${MARKS[row.verdict.outcome]} ${row.verdict.words}` },
  }));
  return [...indented(scenarioName(scenario), "", look, "bold"), ...drawSides(VS_HEADS, rows, look)].join(
    "\n",
  );
}

function rowsOf(scenario: VsScenario): readonly SideRow[] {
  return scenario.ratios.map((ratio) => vsRowOf(scenario, ratio));
}
