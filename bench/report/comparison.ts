import { inColumns, printable, type Style, styled } from "../../src/cli/watch/text.ts";
import type { Verdict } from "../compare/spread.ts";
import { type ComparedRow, type ComparedScenario, type Comparison, rowsWith } from "../compare.ts";
import {
  cellOf,
  ratioText,
  rowTitle,
  sentence,
  spreadText,
  summary,
  VERDICT_WORDS,
} from "./comparison-words.ts";
import { markdownTable, plain } from "./markdown.ts";
import { indented, type Look } from "./terminal.ts";
import { numberText, scenarioName } from "./words.ts";

const STYLES: Readonly<Record<Verdict, Style>> = {
  better: "green",
  same: "dim",
  worse: "red",
  unknown: "yellow",
};
const MARKS: Readonly<Record<Verdict, string>> = { better: "✅", same: "", worse: "❌", unknown: "❔" };
const VALUE_COLUMNS = 10;
const RATIO_COLUMNS = 7;
const SPREAD_COLUMNS = 12;
const VERDICT_COLUMNS = 12;

/** A comparison on the terminal, ending in a newline: the rows, then what is worse, and what else to know. */
export function drawComparison(comparison: Comparison, look: Look): string {
  const worse = rowsWith(comparison, "worse").map(([scenario, row]) =>
    indented(sentence(scenario, row), "✗ ", look, "red").join("\n"),
  );
  const broken = comparison.broken.map((text) => indented(text, "✗ ", look, "red").join("\n"));
  const remarks = comparison.remarks.map((remark) => indented(remark, "", look, "dim").join("\n"));
  const rule = styled("─".repeat(look.columns), "gray", look.color);
  const closing = [
    rule,
    styled(summary(comparison), "bold", look.color),
    ...broken,
    ...worse,
    ...remarks,
  ].join("\n");
  return `${[...comparison.scenarios.map((scenario) => drawScenario(scenario, look)), closing].join("\n\n")}\n`;
}

/** The same in GitHub's Markdown. */
export function comparisonMarkdown(comparison: Comparison): string {
  const worse = rowsWith(comparison, "worse").map(
    ([scenario, row]) => `- ❌ ${plain(sentence(scenario, row))}`,
  );
  const broken = comparison.broken.map((text) => `- ❌ ${plain(text)}`);
  const remarks = comparison.remarks.map((remark) => `- ${plain(remark)}`);
  const tables = comparison.scenarios.flatMap((scenario) => {
    const rows = scenario.rows.map((row) => [
      plain(rowTitle(scenario, row)),
      cellOf(row.a, row),
      cellOf(row.b, row),
      ratioText(row.ratio),
      spreadText(row.spread),
      row.verdict === null ? "" : `${MARKS[row.verdict]} ${VERDICT_WORDS[row.verdict]}`.trim(),
      row.threshold === null ? "" : plain(row.threshold),
    ]);
    const heads = ["", "A", "B", "B/A", "spread", "verdict", "gate"];
    return [`### ${plain(scenarioName(scenario))}`, markdownTable(heads, rows, 1)];
  });
  const points = [...broken, ...worse, ...remarks];
  return `${[
    `## Bench, B against A: ${plain(summary(comparison))}`,
    ...(points.length === 0 ? [] : [points.join("\n")]),
    ...tables,
  ].join("\n\n")}\n`;
}

function drawScenario(scenario: ComparedScenario, look: Look): string {
  const { columns, color } = look;
  const unmoved = scenario.rows.filter(isUnmoved);
  const moved = scenario.rows.filter((row) => !isUnmoved(row));
  const titleColumns = columns - 2 - 2 * VALUE_COLUMNS - RATIO_COLUMNS - SPREAD_COLUMNS - VERDICT_COLUMNS;
  const cells = (a: string, b: string, ratio: string, spread: string): string =>
    `${a.padStart(VALUE_COLUMNS)}${b.padStart(VALUE_COLUMNS)}${ratio.padStart(RATIO_COLUMNS)}${spread.padStart(SPREAD_COLUMNS)}`;
  const head = `${" ".repeat(titleColumns + 2)}${cells("A", "B", "B/A", "spread")}`;
  const rows = moved.map((row) => {
    const title = inColumns(printable(rowTitle(scenario, row)), titleColumns);
    const values = cells(
      narrow(row.a, row),
      narrow(row.b, row),
      ratioText(row.ratio),
      spreadText(row.spread),
    );
    const verdict =
      row.verdict === null ? "" : styled(VERDICT_WORDS[row.verdict], STYLES[row.verdict], color);
    return `  ${title}${values}  ${verdict}`.trimEnd();
  });
  const titles = unmoved.map((row) => rowTitle(scenario, row)).join(", ");
  return [
    styled(printable(scenarioName(scenario)), "bold", color),
    ...(moved.length === 0 ? [] : [styled(head, "dim", color), ...rows]),
    ...(unmoved.length === 0 ? [] : indented(`the same: ${titles}`, "  ", look, "dim")),
  ].join("\n");
}

/** To the digit, in every pair: one line is enough for all of them. */
function isUnmoved({ a, b, verdict, ratio }: ComparedRow): boolean {
  return a === b && a !== null && verdict === "same" && ratio === 1;
}

function narrow(value: number | null, row: ComparedRow): string {
  const whole = cellOf(value, row);
  return value === null || whole.length < VALUE_COLUMNS ? whole : numberText(value);
}
