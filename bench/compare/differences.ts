import { counted, scenarioName } from "../report/words.ts";
import type { BenchResult } from "../result.ts";

/** Fewer say nothing of how far the ratios are spread. */
const MIN_PAIRS = 5;
const GIB = 2 ** 30;

/** What differs between the two sides but what was measured, and what was left out: a sentence each. */
export function differencesBetween(a: readonly BenchResult[], b: readonly BenchResult[]): readonly string[] {
  const facts: readonly (readonly [string, (result: BenchResult) => string, string])[] = [
    ["The machines", machineOf, ": times and costs can't be compared"],
    ["The Node versions", ({ machine }) => machine.node, ""],
    ["The commits", commitOf, ""],
    ["The targets", targetOf, ""],
    ["The profiles", ({ profile }) => profile, ": the loads are not the same"],
  ];
  const differing = facts.flatMap(([what, of, so]) => {
    const [ofA, ofB] = [distinct(a.map(of)), distinct(b.map(of))];
    return ofA === ofB ? [] : [`${what} differ (A ${ofA}, B ${ofB})${so}.`];
  });
  return [
    ...differing,
    ...countRemarks(a.length, b.length),
    ...missingIn(a, b, "B"),
    ...missingIn(b, a, "A"),
  ];
}

function countRemarks(a: number, b: number): readonly string[] {
  const pairs = Math.min(a, b);
  return [
    ...(a === b ? [] : [`There are ${a} runs of A and ${b} of B: the first ${pairs} of each are compared.`]),
    ...(pairs < MIN_PAIRS
      ? [`${counted(pairs, "pair")}: it takes at least ${MIN_PAIRS} to tell a change of a time from chance.`]
      : []),
  ];
}

function missingIn(
  has: readonly BenchResult[],
  lacks: readonly BenchResult[],
  side: string,
): readonly string[] {
  const names = (results: readonly BenchResult[]): readonly string[] =>
    results.flatMap(({ scenarios }) =>
      scenarios.filter(({ outcome }) => outcome !== "skipped").map(scenarioName),
    );
  const there = new Set(names(lacks));
  const missing = [...new Set(names(has))].filter((name) => !there.has(name));
  return missing.length === 0 ? [] : [`${side} has no ${missing.join(", ")}.`];
}

function machineOf({ machine: { cpu, cores, memoryBytes, kernel } }: BenchResult): string {
  return `${cpu}, ${cores} cores, ${Math.round(memoryBytes / GIB)} GiB, ${kernel}`;
}

function commitOf({ hub }: BenchResult): string {
  return hub.commit === null ? hub.version : `${hub.version} ${hub.commit.slice(0, 10)}`;
}

function targetOf({ target: { kind, workers, flags } }: BenchResult): string {
  return [kind, ...(workers === null ? [] : [`${workers} workers`]), ...flags].join(" ");
}

function distinct(values: readonly string[]): string {
  return [...new Set(values)].sort().join(" and ");
}
