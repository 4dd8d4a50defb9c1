import { isTelling } from "../compare/spread.ts";
import { sum } from "../machine/kept-sum.ts";
import { counted, gatesWith, isBroken, redSentence, scenarioName } from "../report/words.ts";
import type { BenchResult } from "../result.ts";
import type { Baseline } from "./baselines.ts";
import { isToldOfCpu, pairedIn, quietRoundsOf } from "./ratios.ts";

/** What to know beside the ratios, a sentence each: what does not count, and why. */
export function remarksOn(
  baseline: Baseline,
  hub: readonly BenchResult[],
  other: readonly BenchResult[],
): readonly string[] {
  const pairs = Math.min(hub.length, other.length);
  return [
    ...(isTelling(pairs)
      ? []
      : [`${counted(pairs, "pair")}: fewer than 5 show something and judge nothing.`]),
    ...roundRemarks(hub, other),
    ...busyRemarks(hub, other),
    ...brokenRemarks("hub", hub),
    ...brokenRemarks(baseline, other),
    ...redRemarks(baseline, other),
  ];
}

/** How much of what took turns counts. */
function roundRemarks(hub: readonly BenchResult[], other: readonly BenchResult[]): readonly string[] {
  return pairedIn(hub, other).flatMap(({ like, pairs }) => {
    const turned = pairs.filter((pair) => quietRoundsOf(pair) !== null);
    const quiet = sum(turned.map((pair) => quietRoundsOf(pair)?.length ?? 0));
    const all = sum(turned.map(([one]) => one?.rounds?.length ?? 0));
    if (quiet === all) return [];
    const rounds = `${quiet} of ${counted(all, "round")} had the machine to themselves`;
    const told = `${turned.filter(isToldOfCpu).length} of ${counted(turned.length, "pair")}`;
    return `${scenarioName(like)}: ${rounds}; CPU is that of ${told}, with 3 or more of them each.`;
  });
}

function busyRemarks(hub: readonly BenchResult[], other: readonly BenchResult[]): readonly string[] {
  const names = hub.map((result, index) => {
    const scenarios = [...result.scenarios, ...(other[index]?.scenarios ?? [])];
    return new Set(scenarios.filter((one) => one.reasons.length > 0 && !isBroken(one)).map(scenarioName));
  });
  return [...new Set(names.flatMap((set) => [...set]))].map((name) => {
    const busy = names.filter((set) => set.has(name)).length;
    return `${name}: the times of ${busy} of ${counted(names.length, "pair")} don't count, the machine was too busy.`;
  });
}

function brokenRemarks(kind: string, results: readonly BenchResult[]): readonly string[] {
  const broken = results.flatMap(({ scenarios }) => scenarios.filter(isBroken));
  const sentences = broken.map(
    (scenario) => `${scenarioName(scenario)} broke on the ${kind}: ${scenario.reasons.join("; ")}`,
  );
  return [...new Set(sentences)];
}

/** Of the baseline: the hub's own are said apart. */
function redRemarks(baseline: Baseline, results: readonly BenchResult[]): readonly string[] {
  const red = results.flatMap((result) => gatesWith(result, "failed"));
  const [first] = red;
  if (first === undefined) return [];
  const example = redSentence(first.scenario, first.gate);
  return [`${baseline} failed ${counted(red.length, "gate")}, which does not count: ${example}.`];
}
