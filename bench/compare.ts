import { differencesBetween } from "./compare/differences.ts";
import { readingsOf } from "./compare/readings.ts";
import { judgePairs, medianOf, medianRatioOf, ratioOf, spreadOf, type Verdict } from "./compare/spread.ts";
import { isBroken, scenarioName } from "./report/words.ts";
import type { BenchResult, ScenarioResult } from "./result.ts";

/** One figure of both sides, A and B. */
export interface ComparedRow {
  /** Without the scenario's id: `sse`. */
  readonly metric: string;
  /** As in k6's thresholds: `p(99)`, `count`, `value`, `rate`. */
  readonly statistic: string;
  readonly unit: string;
  /** The median of the side's runs; null: none has it. */
  readonly a: number | null;
  readonly b: number | null;
  /** B to A, the median of the pairs' ratios; null where there is none to make. */
  readonly ratio: number | null;
  /** Between which two ratios their median lies, from 5 pairs on with 90 % or more; with fewer: the least and the most. */
  readonly spread: readonly [least: number, most: number] | null;
  /** As in gates.json; null where no gate is on it. */
  readonly threshold: string | null;
  /** Null where neither way is better. */
  readonly verdict: Verdict | null;
}

export interface ComparedScenario {
  readonly id: string;
  readonly variant: string | null;
  readonly rows: readonly ComparedRow[];
}

export interface Comparison {
  readonly pairs: number;
  /** What differs but the measured, and what the comparison can't tell: a sentence each. */
  readonly remarks: readonly string[];
  /** What broke in B before there was anything to judge, and did not in A: a sentence each. */
  readonly broken: readonly string[];
  readonly scenarios: readonly ComparedScenario[];
}

type Pair = readonly [a: ScenarioResult, b: ScenarioResult];

/**
 * The n-th run of A is paired with the n-th of B: whoever ran them turned their order (ABBA), so that a pair shares
 * what the machine was like. Throws a `RangeError` where a side has no run.
 */
export function compareResults(a: readonly BenchResult[], b: readonly BenchResult[]): Comparison {
  const pairs = Math.min(a.length, b.length);
  if (pairs === 0) throw new RangeError("each side needs at least one run");
  const [runsA, runsB] = [a.slice(0, pairs), b.slice(0, pairs)];
  const scenarios = scenariosOf(runsA).flatMap((scenario) => {
    const paired = pairsOf(scenario, runsA, runsB);
    return paired.length === 0 ? [] : [{ scenario, paired }];
  });
  return {
    pairs,
    remarks: [...differencesBetween(a, b), ...scenarios.flatMap(remarksOn)],
    broken: brokenIn(runsA, runsB),
    scenarios: scenarios.map(({ scenario: { id, variant }, paired }) => {
      return { id, variant, rows: rowsOf(paired) };
    }),
  };
}

/** Something broke, or what a gate is on became worse. What no gate is on may do so. */
export function isWorse(comparison: Comparison): boolean {
  const gated = rowsWith(comparison, "worse").some(([, { threshold }]) => threshold !== null);
  return gated || comparison.broken.length > 0;
}

/** The rows with such a verdict, with the scenario of each. */
export function rowsWith(
  { scenarios }: Comparison,
  verdict: Verdict,
): readonly (readonly [ComparedScenario, ComparedRow])[] {
  return scenarios.flatMap((scenario) =>
    scenario.rows
      .filter((row) => row.verdict === verdict)
      .map((row): [ComparedScenario, ComparedRow] => [scenario, row]),
  );
}

function rowsOf(pairs: readonly Pair[]): ComparedRow[] {
  const readings = pairs.map(([a, b]) => [readingsOf(a), readingsOf(b)] as const);
  // A time of a busy machine says nothing, and neither does its pair.
  const quiet = readings.filter((_, index) => !isDoubtful(pairs[index]));
  const keys = new Map(readings.flatMap(([a, b]) => [...a, ...b]));
  return [...keys].map(([key, { metric, statistic, unit, threshold, known }]) => {
    const used = known?.correctness === true || quiet.length === 0 ? readings : quiet;
    const both = used.map(([a, b]) => [a.get(key), b.get(key)] as const);
    const ratios = both.flatMap(([a, b]) => ratioOf(a?.value ?? null, b?.value ?? null) ?? []);
    return {
      metric,
      statistic,
      unit,
      a: medianOf(both.flatMap(([a]) => a?.value ?? [])),
      b: medianOf(both.flatMap(([, b]) => b?.value ?? [])),
      ratio: medianRatioOf(ratios),
      spread: spreadOf(ratios),
      threshold,
      verdict: judgePairs(both, used === quiet || known?.correctness === true ? ratios : []),
    };
  });
}

function remarksOn({ scenario, paired }: { scenario: ScenarioResult; paired: readonly Pair[] }): string[] {
  const doubtful = paired.filter(isDoubtful).length;
  if (doubtful === 0) return [];
  return [
    `${scenarioName(scenario)}: the times of ${doubtful} of ${paired.length} pairs don't count, the machine was too busy.`,
  ];
}

/** Where no gate is on a time, it is the reasons alone that tell of a busy machine. */
function isDoubtful(pair: Pair | undefined): boolean {
  return pair?.some(({ outcome, reasons }) => outcome === "inconclusive" || reasons.length > 0) ?? false;
}

function brokenIn(a: readonly BenchResult[], b: readonly BenchResult[]): readonly string[] {
  const all = (results: readonly BenchResult[]) =>
    results.flatMap(({ scenarios }) => scenarios.filter(isBroken));
  const before = new Set(all(a).map(scenarioName));
  const sentences = all(b).flatMap((scenario) =>
    before.has(scenarioName(scenario))
      ? []
      : [`${scenarioName(scenario)} broke in B: ${scenario.reasons.join("; ")}`],
  );
  return [...new Set(sentences)];
}

function pairsOf(like: ScenarioResult, a: readonly BenchResult[], b: readonly BenchResult[]): Pair[] {
  return a.flatMap((result, index): Pair[] => {
    const [ofA, ofB] = [sameScenario(result, like), sameScenario(b[index], like)];
    return ofA === undefined || ofB === undefined ? [] : [[ofA, ofB]];
  });
}

function scenariosOf(results: readonly BenchResult[]): readonly ScenarioResult[] {
  const all = results.flatMap(({ scenarios }) => scenarios);
  return all.filter(
    (one, at) => all.findIndex(({ id, variant }) => id === one.id && variant === one.variant) === at,
  );
}

function sameScenario(result: BenchResult | undefined, like: ScenarioResult): ScenarioResult | undefined {
  return result?.scenarios.find(
    ({ id, variant, outcome }) => id === like.id && variant === like.variant && outcome !== "skipped",
  );
}
