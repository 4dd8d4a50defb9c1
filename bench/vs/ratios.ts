import { type Reading, readingsOf } from "../compare/readings.ts";
import { isTelling, medianOf, medianRatioOf, ratioOf, spreadOf } from "../compare/spread.ts";
import { CATALOGUE } from "../gates/catalogue.ts";
import type { Gate } from "../gates/parse.ts";
import { holds } from "../gates/threshold.ts";
import { sum } from "../machine/kept-sum.ts";
import type { BenchResult, Round, ScenarioResult } from "../result.ts";
import { TRANSPORTS } from "../transports.ts";
import type { Baseline } from "./baselines.ts";
import type { Bar, Ratio, VsScenario } from "./result.ts";

type Pair = readonly [hub: ScenarioResult | undefined, baseline: ScenarioResult | undefined];

/** A ratio to make: of which metric's which statistic. */
interface Wanted {
  readonly name: string;
  readonly transport: string | null;
  readonly metric: string;
  readonly statistic: string;
  /** A time of a busy machine says nothing, CPU little, and memory as much as of any other. */
  readonly kind: "time" | "cpu" | "memory";
}

const COSTS = [
  "cpu_per_event",
  "cpu_per_message",
  "pss_per_connection_idle",
  "pss_per_connection_after",
] as const;
/** Of a pair; with fewer the machine was too busy for its CPU to be told. */
const MIN_QUIET_ROUNDS = 3;
const TIMES = [
  ["p50", "med"],
  ["p99", "p(99)"],
] as const;

/**
 * Hub to baseline, by scenario; the n-th run of one is the pair of the n-th of the other. `gates` may be of others too, and
 * `gatesOf` has further ones of a scenario.
 */
export function ratiosOf(
  baseline: Baseline,
  hub: readonly BenchResult[],
  other: readonly BenchResult[],
  gates: readonly Gate[],
  gatesOf: (scenario: ScenarioResult) => readonly Gate[] = () => [],
): VsScenario[] {
  return pairedIn(hub, other).map(({ like, pairs }) => {
    const bars = [...gates, ...gatesOf(like)].filter(({ scenario }) => scenario === "vs");
    return {
      id: like.id,
      variant: like.variant,
      ratios: wantedOf(like).map((wanted) =>
        ratioRow(
          wanted,
          pairs,
          bars.filter(({ metric }) => metric === `${baseline}.${wanted.name}`),
        ),
      ),
    };
  });
}

function ratioRow(wanted: Wanted, pairs: readonly Pair[], bars: readonly Gate[]): Ratio {
  const counting = pairs.filter((pair) => counts(pair, wanted));
  // What does not count is better than nothing to look at.
  const shown = counting.length === 0 ? pairs : counting;
  const busy = shown.filter((pair) => isBusy(pair, wanted)).length;
  const values = shown.map((pair) => valuesOf(pair, wanted));
  const ratios = values.flatMap(([hub, baseline]) => ratioOf(baseline, hub) ?? []);
  return {
    metric: wanted.name,
    transport: wanted.transport,
    unit: shown.flat().flatMap((scenario) => readingOf(scenario, wanted)?.unit ?? [])[0] ?? "",
    hub: medianOf(values.flatMap(([value]) => value ?? [])),
    baseline: medianOf(values.flatMap(([, value]) => value ?? [])),
    ratio: medianRatioOf(ratios),
    spread: pairOf(spreadOf(ratios)),
    pairs: counting.length,
    bars: bars.map((gate) => judgeBar(gate, counting.length === 0 ? [] : ratios, 2 * busy > shown.length)),
  };
}

/**
 * Passed or failed only where the whole spread is on one side of the limit. Where the machine was busy for most pairs
 * nothing is told: a hub that gets less CPU has smaller batches, which makes an event dearer, or merges events, which makes
 * it cheaper. A ratio that was never measured fails, as any gate without samples.
 */
function judgeBar({ threshold }: Gate, ratios: readonly number[], wasBusy: boolean): Bar {
  const bar = (outcome: Bar["outcome"]): Bar => ({ threshold: threshold.text, outcome });
  if (wasBusy) return bar("inconclusive");
  if (ratios.length === 0) return bar("failed");
  const spread = isTelling(ratios.length) ? spreadOf(ratios) : null;
  if (spread === null) return bar("inconclusive");
  const [atLeast, atMost] = [holds(threshold, spread[0]), holds(threshold, spread[1])];
  return bar(atLeast !== atMost ? "inconclusive" : atLeast ? "passed" : "failed");
}

/** What the scenario measures of the wanted, of the transports that were there. */
function wantedOf({ id, load }: ScenarioResult): readonly Wanted[] {
  const known = CATALOGUE.get(id);
  const costs = COSTS.filter((name) => known?.has(name)).map((name) => ({
    ...{ name, transport: null, metric: name, statistic: "value" },
    kind: name.startsWith("cpu") ? ("cpu" as const) : ("memory" as const),
  }));
  const times = TRANSPORTS.filter((transport) => (load.connections[transport] ?? 0) > 0).flatMap(
    (transport) =>
      TIMES.map(([name, statistic]) => ({
        name,
        transport,
        metric: transport,
        statistic,
        kind: "time" as const,
      })),
  );
  return [...costs, ...times];
}

function readingOf(scenario: ScenarioResult | undefined, { metric, statistic }: Wanted): Reading | undefined {
  return scenario === undefined ? undefined : readingsOf(scenario).get(`${metric} ${statistic}`);
}

/** Each scenario that has measured something, and its pairs. */
export function pairedIn(
  hub: readonly BenchResult[],
  other: readonly BenchResult[],
): readonly { readonly like: ScenarioResult; readonly pairs: readonly Pair[] }[] {
  return measuredIn([...hub, ...other]).map((like) => ({
    like,
    pairs: hub.map((result, index): Pair => [sameIn(result, like), sameIn(other[index], like)]),
  }));
}

/** Each that has measured something, once. */
function measuredIn(results: readonly BenchResult[]): readonly ScenarioResult[] {
  const all = results.flatMap(({ scenarios }) =>
    scenarios.filter(({ metrics }) => Object.keys(metrics).length > 0),
  );
  return all.filter((one, at) => all.findIndex((other) => isSame(one, other)) === at);
}

function sameIn(result: BenchResult | undefined, like: ScenarioResult): ScenarioResult | undefined {
  return result?.scenarios.find((scenario) => isSame(scenario, like));
}

function isSame(one: ScenarioResult, other: ScenarioResult): boolean {
  return one.id === other.id && one.variant === other.variant;
}

/** What the metric was on both sides: CPU where they took turns only of the rounds in which the machine was quiet. */
function valuesOf(pair: Pair, wanted: Wanted): readonly [hub: number | null, baseline: number | null] {
  const quiet = wanted.kind === "cpu" ? quietRoundsOf(pair) : null;
  const valueIn = (scenario: ScenarioResult | undefined): number | null => {
    const { value = null } = readingOf(scenario, wanted) ?? {};
    if (value === null || quiet === null || !isToldOfCpu(pair)) return value;
    return value * shareOf(scenario?.rounds ?? [], quiet);
  };
  return [valueIn(pair[0]), valueIn(pair[1])];
}

/** Of CPU without turns all do: there the most of them decide whether anything is told. */
function counts(pair: Pair, wanted: Wanted): boolean {
  const isWhole = wanted.kind === "cpu" && quietRoundsOf(pair) === null;
  return isWhole || !isBusy(pair, wanted);
}

function isBusy(pair: Pair, { kind }: Pick<Wanted, "kind">): boolean {
  if (kind === "memory") return false;
  if (kind === "cpu" && quietRoundsOf(pair) !== null) return !isToldOfCpu(pair);
  return pair.some((scenario) => (scenario?.reasons.length ?? 0) > 0);
}

/** Of a pair that took turns: it has so many quiet rounds that its CPU can be told. */
export function isToldOfCpu(pair: Pair): boolean {
  return (quietRoundsOf(pair)?.length ?? 0) >= MIN_QUIET_ROUNDS;
}

/** Which of the rounds were quiet on both sides; null: they took no turns. */
export function quietRoundsOf([hub, baseline]: Pair): readonly number[] | null {
  if (hub?.rounds === undefined || baseline?.rounds === undefined) return null;
  return hub.rounds.flatMap(({ isQuiet }, round) =>
    isQuiet && baseline.rounds?.[round]?.isQuiet ? [round] : [],
  );
}

/** How much CPU the rounds took that count, to what each took: of events each has as many. */
function shareOf(rounds: readonly Round[], counting: readonly number[]): number {
  const mean = (some: readonly Round[]) => sum(some.map(({ cpuUs }) => cpuUs)) / some.length;
  return mean(rounds.filter((_, round) => counting.includes(round))) / mean(rounds);
}

function pairOf(spread: readonly [number, number] | null): [number, number] | null {
  return spread === null ? null : [spread[0], spread[1]];
}
