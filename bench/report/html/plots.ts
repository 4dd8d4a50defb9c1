import type { MetricSummary, ScenarioResult, Series } from "../../result.ts";
import { TRANSPORTS } from "../../transports.ts";
import type { Markup } from "../markup.ts";
import { gatesOn, metricTitle, numberText, valueText } from "../words.ts";
import { type Band, drawPlot, type Line } from "./plot.ts";
import { type Axis, linearAxis, logAxis, percentileAxis } from "./scale.ts";

type Trend = Extract<MetricSummary, { type: "trend" }>;

/** What was asked for, where a scenario has no gate that says another. */
const ASKED_MS = 100;
const DELIVERIES: readonly string[] = [...TRANSPORTS, "trailing", "others", "polling"];
const MS_PER_S = 1_000;
/** Nobody tells times below this apart, and a logarithm has to begin somewhere. */
const LEAST_MS = 0.05;
const FASTEST_PERCENT = 5;
/** In this order, whatever else there is after them. */
const PANELS = ["latency", "connections", "messages/s", "CPU", "memory"];

/** The percentile curves, or null of a scenario without a time. */
export function percentilePlot(scenario: ScenarioResult, id: string): Markup | null {
  const trends = Object.entries(scenario.metrics).flatMap(([name, summary]): [string, Trend][] =>
    summary.type === "trend" && summary.curve.length > 0 ? [[name, summary]] : [],
  );
  const deliveries = trends.filter(([name]) => DELIVERIES.includes(name));
  const shown = deliveries.length > 0 ? deliveries : trends;
  if (shown.length === 0) return null;
  const lines = shown.map(([name, { p99, curve, unit }]): Line => {
    const aside = p99 === null ? "" : `p99 ${valueText(p99, unit)}`;
    return { name: metricTitle(scenario.id, name), aside, points: curve };
  });
  const limit = deliveries.length > 0 ? limitOf(scenario) : null;
  return drawPlot({
    id,
    title: "Latency by percentile",
    unit: "ms, logarithmic",
    x: percentileAxis(Math.max(...shown.map(([, { curve }]) => curve.at(-2)?.[0] ?? 0))),
    // The very fastest would take half of the height, and say nothing.
    y: latencyAxis(lines.map(withoutFastest), limit),
    lines,
    limit: limit === null ? null : { value: limit, label: `${numberText(limit)} ms` },
    bands: [],
    text: `${shown.map(([name, trend]) => trendText(metricTitle(scenario.id, name), trend)).join("; ")}.`,
    textShown: false,
    xText: percentileText,
    yText: (ms) => valueText(ms, "ms"),
  });
}

/** A plot for each first word of the series' names: `CPU hub` and `CPU load` are one. */
export function timePlots(scenario: ScenarioResult, idPrefix: string): readonly Markup[] {
  const panels = new Map<string, Series[]>(PANELS.map((name) => [name, []]));
  for (const series of scenario.series) {
    const word = series.name.split(" ")[0] ?? series.name;
    if (series.points.length > 0) panels.set(word, [...(panels.get(word) ?? []), series]);
  }
  return [...panels]
    .filter(([, series]) => series.length > 0)
    .map(([word, series], index) => timePlot(scenario, word, series, `${idPrefix}-${index}`));
}

function timePlot(scenario: ScenarioResult, word: string, series: readonly Series[], id: string): Markup {
  const isLatency = word === "latency";
  const limit = isLatency ? limitOf(scenario) : null;
  const unit = series[0]?.unit ?? "";
  const lines = series.map(({ name, points }): Line => {
    const rest = name === word ? name : name.slice(word.length + 1);
    return { name: rest, aside: `max ${valueText(maxOf(points), unit)}`, points };
  });
  const highest = Math.max(...lines.map(({ points }) => maxOf(points)));
  const endS = Math.max(
    1,
    scenario.durationMs / MS_PER_S,
    ...series.map(({ points }) => points.at(-1)?.[0] ?? 0),
  );
  return drawPlot({
    id,
    title: `${word.slice(0, 1).toUpperCase()}${word.slice(1)} over time`,
    unit: isLatency ? `${unit}, logarithmic` : unit,
    x: secondsAxis(endS),
    y: isLatency ? latencyAxis(lines, limit) : linearAxis(highest),
    lines,
    limit: limit === null ? null : { value: limit, label: `${numberText(limit)} ms` },
    bands: scenario.phases.map(({ name, startMs, endMs }): Band => {
      return { name, from: startMs / MS_PER_S, to: endMs / MS_PER_S, counts: name === "measure" };
    }),
    text: `${lines.map((line) => seriesText(line, unit, isLatency)).join("; ")}.`,
    textShown: true,
    xText: (second) => `${numberText(Math.round(second))} s`,
    yText: (value) => valueText(value, unit),
  });
}

/** What the scenario holds its times to. */
function limitOf(scenario: ScenarioResult): number {
  const thresholds = DELIVERIES.flatMap((name) => gatesOn(scenario, name)).map(({ threshold }) => threshold);
  const limits = thresholds.map((text) => Number(/<=?\s*([\d.]+)\s*$/.exec(text)?.[1] ?? Number.NaN));
  return limits.find((limit) => Number.isFinite(limit)) ?? ASKED_MS;
}

function latencyAxis(lines: readonly Line[], limit: number | null): Axis {
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  const least = Math.max(LEAST_MS, Math.min(...values));
  return logAxis(least, Math.max(...values, (limit ?? 0) * 1.5, least * 2));
}

function withoutFastest(line: Line): Line {
  return { ...line, points: line.points.filter(([percentile]) => percentile >= FASTEST_PERCENT) };
}

/** From the beginning to the very end: a scale with round ends would leave room in which nothing happened. */
function secondsAxis(endS: number): Axis {
  const round = linearAxis(endS, 6);
  return {
    at: (second) => second / endS,
    ticks: round.ticks.filter(([second]) => second <= endS).map(([second, label]) => [second, `${label} s`]),
  };
}

function percentileText(percentile: number): string {
  if (percentile >= 100) return "slowest";
  return `${Number(percentile.toFixed(percentile < 99 ? 1 : percentile < 99.9 ? 2 : 4))} %`;
}

function trendText(title: string, { med, p99, max, unit }: Trend): string {
  const of = (value: number | null): string => (value === null ? "none" : valueText(value, unit));
  return `${title}: half within ${of(med)}, 99 % within ${of(p99)}, the slowest ${of(max)}`;
}

function seriesText({ name, points }: Line, unit: string, isLatency: boolean): string {
  const least = points.reduce((lowest, [, value]) => Math.min(lowest, value), Number.POSITIVE_INFINITY);
  // A mean of percentiles would be no figure at all.
  if (isLatency) return `${name}: from ${valueText(least, unit)} to ${valueText(maxOf(points), unit)}`;
  const mean = points.reduce((sum, [, value]) => sum + value, 0) / points.length;
  return `${name}: ${valueText(mean, unit)} on average, at most ${valueText(maxOf(points), unit)}`;
}

function maxOf(points: Line["points"]): number {
  return points.reduce((highest, [, value]) => Math.max(highest, value), 0);
}
