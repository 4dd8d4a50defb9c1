import { type Reading, readingsOf } from "../compare/readings.ts";
import { isTelling, medianOf, medianRatioOf, ratioOf, spreadOf } from "../compare/spread.ts";
import { CATALOGUE } from "../gates/catalogue.ts";
import type { Gate } from "../gates/parse.ts";
import { holds } from "../gates/threshold.ts";
import type { BenchResult, ScenarioResult } from "../result.ts";
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
  /** A time of a busy machine says nothing; a cost does, with its noise in the spread. */
  readonly isTime: boolean;
}

const COSTS = [
  "cpu_per_event",
  "cpu_per_message",
  "pss_per_connection_idle",
  "pss_per_connection_after",
] as const;
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
  return measuredIn([...hub, ...other]).map((like) => {
    const bars = [...gates, ...gatesOf(like)].filter(({ scenario }) => scenario === "vs");
    const pairs = hub.map((result, index): Pair => [sameIn(result, like), sameIn(other[index], like)]);
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
  const counting = wanted.isTime ? pairs.filter((pair) => !pair.some(isBusy)) : pairs;
  // What does not count is better than nothing to look at.
  const shown = counting.length === 0 ? pairs : counting;
  const busy = shown.filter((pair) => pair.some(isBusy)).length;
  const read = shown.map(([hub, baseline]) => [readingOf(hub, wanted), readingOf(baseline, wanted)] as const);
  const ratios = read.flatMap(
    ([hub, baseline]) => ratioOf(baseline?.value ?? null, hub?.value ?? null) ?? [],
  );
  return {
    metric: wanted.name,
    transport: wanted.transport,
    unit: read.flat().find((reading) => reading !== undefined)?.unit ?? "",
    hub: medianOf(read.flatMap(([reading]) => reading?.value ?? [])),
    baseline: medianOf(read.flatMap(([, reading]) => reading?.value ?? [])),
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
    ...{ name, transport: null, metric: name, statistic: "value", isTime: false },
  }));
  const times = TRANSPORTS.filter((transport) => (load.connections[transport] ?? 0) > 0).flatMap(
    (transport) =>
      TIMES.map(([name, statistic]) => ({ name, transport, metric: transport, statistic, isTime: true })),
  );
  return [...costs, ...times];
}

function readingOf(scenario: ScenarioResult | undefined, { metric, statistic }: Wanted): Reading | undefined {
  return scenario === undefined ? undefined : readingsOf(scenario).get(`${metric} ${statistic}`);
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

function isBusy(scenario: ScenarioResult | undefined): boolean {
  return (scenario?.reasons.length ?? 0) > 0;
}

function pairOf(spread: readonly [number, number] | null): [number, number] | null {
  return spread === null ? null : [spread[0], spread[1]];
}
