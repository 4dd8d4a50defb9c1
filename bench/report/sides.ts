import { inColumns, printable, styled } from "../../src/cli/watch/text.ts";
import { markdownTable, plain } from "./markdown.ts";
import { type Look, STYLES } from "./terminal.ts";
import type { Outcome } from "./words.ts";

// Tables of two sides: what `compare` and `--vs` draw.

/** One figure of both sides, in words. */
export interface SideRow {
  readonly title: string;
  readonly a: string;
  readonly b: string;
  readonly ratio: string;
  readonly spread: string;
  /** Null where there is nothing to say. */
  readonly verdict: { readonly words: string; readonly outcome: Outcome } | null;
  /** What is held against: `≤ 2`, or nothing. */
  readonly limit: string;
}

/** Over the columns of both sides and of their ratio. */
export type SideHeads = readonly [a: string, b: string, ratio: string];

const VALUE_COLUMNS = 10;
const RATIO_COLUMNS = 7;
const SPREAD_COLUMNS = 12;
const VERDICT_COLUMNS = 12;

/** On the terminal, a line a row under a line of heads; what follows has room for a verdict. */
export function drawSides([a, b, ratio]: SideHeads, rows: readonly SideRow[], look: Look): readonly string[] {
  const { columns, color } = look;
  const titleColumns = columns - 2 - 2 * VALUE_COLUMNS - RATIO_COLUMNS - SPREAD_COLUMNS - VERDICT_COLUMNS;
  const cells = (...[ofA, ofB, ofRatio, spread]: readonly [string, string, string, string]): string =>
    `${ofA.padStart(VALUE_COLUMNS)}${ofB.padStart(VALUE_COLUMNS)}${ofRatio.padStart(RATIO_COLUMNS)}${spread.padStart(SPREAD_COLUMNS)}`;
  const head = `${" ".repeat(titleColumns + 2)}${cells(a, b, ratio, "spread")}`;
  const lines = rows.map((row) => {
    const title = inColumns(printable(row.title), titleColumns);
    const values = cells(narrow(row.a), narrow(row.b), row.ratio, row.spread);
    const { verdict } = row;
    const words = verdict === null ? "" : styled(verdict.words, STYLES[verdict.outcome], color);
    return `  ${title}${values}  ${words}`.trimEnd();
  });
  return rows.length === 0 ? [] : [styled(head, "dim", color), ...lines];
}

/** In GitHub's Markdown. */
export function sidesMarkdown(
  [a, b, ratio]: SideHeads,
  rows: readonly SideRow[],
  marks: Readonly<Record<Outcome, string>>,
): string {
  const cells = rows.map(({ title, verdict, limit, ...row }) => [
    plain(title),
    ...[row.a, row.b, row.ratio, row.spread],
    verdict === null ? "" : `${marks[verdict.outcome]} ${plain(verdict.words)}`.trim(),
    plain(limit),
  ]);
  return markdownTable(["", a, b, ratio, "spread", "verdict", "gate"], cells, 1);
}

/** Without its unit where it has no room for that. */
function narrow(text: string): string {
  return text.length < VALUE_COLUMNS ? text : text.replace(/ \S+$/, "");
}
