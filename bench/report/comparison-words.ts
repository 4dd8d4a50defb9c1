import type { Verdict } from "../compare/spread.ts";
import { type ComparedRow, type ComparedScenario, type Comparison, rowsWith } from "../compare.ts";
import type { SideHeads, SideRow } from "./sides.ts";
import { aggregationWords, counted, metricTitle, numberText, type Outcome, scenarioName } from "./words.ts";

// What every drawing of a comparison says in the same words.

const WORDS: Readonly<Record<Verdict, string>> = {
  better: "better",
  same: "same",
  worse: "worse",
  unknown: "can't tell",
};
/** Whose colours each has. */
const OUTCOMES: Readonly<Record<Verdict, Outcome>> = {
  better: "passed",
  same: "skipped",
  worse: "failed",
  unknown: "inconclusive",
};
export const SIDES: SideHeads = ["A", "B", "B/A"];

/** `5 pairs: 0 better, 1 worse, 21 same, 3 can't tell` */
export function summary(comparison: Comparison): string {
  const counts = (["better", "worse", "same", "unknown"] as const).map(
    (verdict) => `${rowsWith(comparison, verdict).length} ${WORDS[verdict]}`,
  );
  return `${counted(comparison.pairs, "pair")}: ${counts.join(", ")}`;
}

/** `latency: SSE p99 24.2 ms in B, 18.1 ms in A (×1.34)` */
export function sentence(scenario: ComparedScenario, row: ComparedRow): string {
  const [was, is] = [cellOf(row.a, row), cellOf(row.b, row)];
  const ratio = row.ratio === null ? "" : ` (×${ratioText(row.ratio)})`;
  return `${scenarioName(scenario)}: ${rowTitle(scenario, row)} ${is} in B, ${was} in A${ratio}`;
}

export function sideRowOf(scenario: ComparedScenario, row: ComparedRow): SideRow {
  const { a, b, ratio, spread, threshold, verdict } = row;
  return {
    title: rowTitle(scenario, row),
    a: cellOf(a, row),
    b: cellOf(b, row),
    ratio: ratioText(ratio),
    spread: spreadText(spread),
    limit: threshold ?? "",
    verdict: verdict === null ? null : { words: WORDS[verdict], outcome: OUTCOMES[verdict] },
  };
}

export function cellOf(
  value: number | null,
  { statistic, unit }: Pick<ComparedRow, "statistic" | "unit">,
): string {
  if (value === null) return "–";
  if (statistic === "rate" && unit === "")
    return value === 1 ? "all" : `${(Math.floor(value * 1e4) / 100).toFixed(2)} %`;
  return unit === "" ? numberText(value) : `${numberText(value)} ${unit}`;
}

export function ratioText(ratio: number | null): string {
  if (ratio === null) return "–";
  return Number.isFinite(ratio) ? ratio.toFixed(2) : "∞";
}

export function spreadText(spread: readonly [number, number] | null): string {
  return spread === null ? "–" : `${ratioText(spread[0])}–${ratioText(spread[1])}`;
}

function rowTitle(scenario: ComparedScenario, { metric, statistic }: ComparedRow): string {
  return [metricTitle(scenario.id, metric), aggregationWords(statistic)].filter(Boolean).join(" ");
}
