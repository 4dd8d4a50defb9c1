import type { Bar, Ratio, VsResult, VsScenario } from "../vs/result.ts";
import { cellOf, ratioText, spreadText } from "./comparison-words.ts";
import type { SideHeads, SideRow } from "./sides.ts";
import {
  boundWords,
  counted,
  gatesWith,
  metricTitle,
  redSentence,
  scenarioName,
  targetWords,
  transportTitle,
} from "./words.ts";

// What every drawing of `--vs` says in the same words.

export const VS_HEADS: SideHeads = ["hub", "baseline", "ratio"];

/** One sentence, without its full stop: `1 of 4 bars against bare-relay is not met`. */
export function vsHeadline(result: VsResult): string {
  const against = `against ${result.baseline}`;
  const bars = result.scenarios.flatMap(({ ratios }) => ratios.flatMap((ratio) => ratio.bars));
  const count = (outcome: Bar["outcome"]) => bars.filter((bar) => bar.outcome === outcome).length;
  const [red, open] = [count("failed"), count("inconclusive")];
  const of = `${counted(bars.length, "bar")} ${against}`;
  if (red > 0) return `${red} of ${of} ${red === 1 ? "is" : "are"} not met`;
  if (result.outcome === "failed") return `The hub failed by itself, whatever its ratios ${against}`;
  if (open > 0) return `${open} of ${of} can't be told`;
  if (result.outcome === "inconclusive") return "The machine was too busy for the hub's own gates";
  if (bars.length === 0) return `Measured ${against}, without any bar`;
  return bars.length === 1 ? `The only bar ${against} is met` : `All ${of} are met`;
}

/** What is red, a sentence each: bars, and gates of the hub. */
export function vsRed(result: VsResult): readonly string[] {
  const gates = result.runs.hub.flatMap((run) =>
    gatesWith(run, "failed").map(({ scenario, gate }) => redSentence(scenario, gate)),
  );
  return [...barSentences(result, "failed"), ...new Set(gates)];
}

/** Bars that the spread lies on, a sentence each. */
export function vsOpen(result: VsResult): readonly string[] {
  return barSentences(result, "inconclusive");
}

/** The two sides, and how they were run. */
export function vsOrigin({ runs }: VsResult): readonly string[] {
  const [hub, baseline] = [runs.hub[0], runs.baseline[0]];
  return [
    ...(hub === undefined ? [] : [`hub: ${targetWords(hub)}`]),
    ...(baseline === undefined ? [] : [`baseline: ${targetWords(baseline)}`]),
    ...(hub === undefined
      ? []
      : [`${counted(runs.hub.length, "pair")} of fresh processes, the order turned from pair to pair`]),
  ];
}

export function vsRowOf(scenario: VsScenario, ratio: Ratio): SideRow {
  const { bars, unit } = ratio;
  // Of several, the one that decides: there is room for one.
  const [worst] = (["failed", "inconclusive", "passed"] as const).flatMap((outcome) =>
    bars.filter((bar) => bar.outcome === outcome),
  );
  const side = (value: number | null) => cellOf(value, { statistic: "value", unit });
  return {
    title: ratioTitle(scenario, ratio),
    a: side(ratio.hub),
    b: side(ratio.baseline),
    ratio: ratioText(ratio.ratio),
    spread: spreadText(ratio.spread),
    limit: bars.map(({ threshold }) => threshold).join(", "),
    verdict: worst === undefined ? null : { words: boundWords(worst.threshold), outcome: worst.outcome },
  };
}

/** `CPU per event`, `SSE p99` */
function ratioTitle({ id }: Pick<VsScenario, "id">, { metric, transport }: Ratio): string {
  return transport === null ? metricTitle(id, metric) : `${transportTitle(transport)} ${metric}`;
}

function barSentences(result: VsResult, outcome: Bar["outcome"]): readonly string[] {
  return result.scenarios.flatMap((scenario) =>
    scenario.ratios.flatMap((ratio) =>
      ratio.bars
        .filter((bar) => bar.outcome === outcome)
        .map(({ threshold }) => {
          const what = `${scenarioName(scenario)}: ${ratioTitle(scenario, ratio)}`;
          const spread = ratio.spread === null ? "" : ` (${spreadText(ratio.spread)})`;
          const times = `×${ratioText(ratio.ratio)} of ${result.baseline}${spread}`;
          return `${what} ${times}, should be ${boundWords(threshold)}`;
        }),
    ),
  );
}
