import { styled } from "../../src/cli/watch/text.ts";
import { type ComparedRow, type ComparedScenario, type Comparison, rowsWith } from "../compare.ts";
import { SIDES, sentence, sideRowOf, summary } from "./comparison-words.ts";
import { plain } from "./markdown.ts";
import { drawSides, sidesMarkdown } from "./sides.ts";
import { indented, type Look } from "./terminal.ts";
import { type Outcome, scenarioName } from "./words.ts";

/** What is the same needs no mark. */
const MARKS: Readonly<Record<Outcome, string>> = {
  passed: "✅",
  failed: "❌",
  inconclusive: "❔",
  skipped: "",
};

/** A comparison on the terminal, ending in a newline: the rows, then what is worse, and what else to know. */
export function drawComparison(comparison: Comparison, look: Look): string {
  const worse = [...comparison.broken, ...worseIn(comparison)].map((text) =>
    indented(text, "✗ ", look, "red").join("\n"),
  );
  const remarks = comparison.remarks.map((remark) => indented(remark, "", look, "dim").join("\n"));
  const rule = styled("─".repeat(look.columns), "gray", look.color);
  const closing = [rule, styled(summary(comparison), "bold", look.color), ...worse, ...remarks].join("\n");
  return `${[...comparison.scenarios.map((scenario) => drawScenario(scenario, look)), closing].join("\n\n")}\n`;
}

/** The same in GitHub's Markdown. */
export function comparisonMarkdown(comparison: Comparison): string {
  const worse = [...comparison.broken, ...worseIn(comparison)].map((text) => `- ❌ ${plain(text)}`);
  const remarks = comparison.remarks.map((remark) => `- ${plain(remark)}`);
  const tables = comparison.scenarios.flatMap((scenario) => {
    const rows = scenario.rows.map((row) => sideRowOf(scenario, row));
    return [`### ${plain(scenarioName(scenario))}`, sidesMarkdown(SIDES, rows, MARKS)];
  });
  const points = [...worse, ...remarks];
  return `${[
    `## Bench, B against A: ${plain(summary(comparison))}`,
    ...(points.length === 0 ? [] : [points.join("\n")]),
    ...tables,
  ].join("\n\n")}\n`;
}

function worseIn(comparison: Comparison): readonly string[] {
  return rowsWith(comparison, "worse").map(([scenario, row]) => sentence(scenario, row));
}

function drawScenario(scenario: ComparedScenario, look: Look): string {
  const words = (rows: readonly ComparedRow[]) => rows.map((row) => sideRowOf(scenario, row));
  const unmoved = words(scenario.rows.filter(isUnmoved));
  const moved = words(scenario.rows.filter((row) => !isUnmoved(row)));
  const titles = unmoved.map(({ title }) => title).join(", ");
  return [
    ...indented(scenarioName(scenario), "", look, "bold"),
    ...drawSides(SIDES, moved, look),
    ...(unmoved.length === 0 ? [] : indented(`the same: ${titles}`, "  ", look, "dim")),
  ].join("\n");
}

/** To the digit, in every pair: one line is enough for all of them. */
function isUnmoved({ a, b, verdict, ratio }: ComparedRow): boolean {
  return a === b && a !== null && verdict === "same" && ratio === 1;
}
