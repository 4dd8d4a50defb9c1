import type { GateVerdict, MetricSummary, ScenarioResult } from "../../result.ts";
import { type Markup, markup } from "../markup.ts";
import {
  durationText,
  gatesOn,
  gateWords,
  limitWords,
  loadWords,
  MARKS,
  metricOf,
  metricTitle,
  numberText,
  type Outcome,
  summaryText,
  valueText,
} from "../words.ts";
import { percentilePlot, timePlots } from "./plots.ts";

/** A mark that says in words what it means. */
export function mark(outcome: Outcome): Markup {
  return markup`<span class="mark ${outcome}" role="img" aria-label="${outcome}" title="${outcome}">${MARKS[outcome]}</span>`;
}

export function scenarioCard(scenario: ScenarioResult, id: string): Markup {
  const { outcome, reasons, notes } = scenario;
  const duration = scenario.durationMs > 0 ? [durationText(scenario.durationMs)] : [];
  const facts = [...loadWords(scenario.load), ...duration];
  const plots = [percentilePlot(scenario, `${id}-percentiles`), ...timePlots(scenario, `${id}-time`)];
  return markup`<section class="card ${outcome}" id="${id}">
<header>${mark(outcome)}<div><h2>${scenario.id}${scenario.variant === null ? null : markup` <small>${scenario.variant}</small>`}</h2>
<p>${scenario.title}</p></div></header>
${facts.length === 0 ? null : markup`<ul class="facts">${facts.map((fact) => markup`<li>${fact}</li>`)}</ul>\n`}${reasons.map((reason) => markup`<p class="reason ${outcome}">${reason}</p>\n`)}${trendTable(scenario)}${figureList(scenario)}${plots.every((plot) => plot === null) ? null : markup`<div class="plots">${plots}</div>\n`}${stageTable(scenario)}${notes.map((note) => markup`<p class="note">${note}</p>\n`)}</section>
`;
}

function trendTable(scenario: ScenarioResult): Markup | null {
  const trends = Object.entries(scenario.metrics).flatMap(([name, summary]) =>
    summary.type === "trend" ? [{ name, summary }] : [],
  );
  if (trends.length === 0) return null;
  const rows = trends.map(({ name, summary: { count, med, p90, p99, p999, max } }) => {
    const cells = [med, p90, p99, p999, max].map((value) => (value === null ? "–" : numberText(value)));
    return markup`<tr><th scope="row">${metricTitle(scenario.id, name)}</th><td class="wide">${numberText(count)}</td>${cells.map((cell, index) => markup`<td${CELL_CLASSES[index] ?? null}>${cell}</td>`)}<td class="gates">${gatesOn(scenario, name).map((gate) => gateChip(scenario, gate))}</td></tr>\n`;
  });
  return markup`<div class="scroll"><table class="trends"><caption class="unseen">Times, in milliseconds</caption>
<thead><tr><th scope="col">ms</th><th scope="col" class="wide">count</th><th scope="col">p50</th><th scope="col" class="wide">p90</th><th scope="col">p99</th><th scope="col" class="wide">p99.9</th><th scope="col" class="wide">max</th><th scope="col" class="gates">gate</th></tr></thead>
<tbody>${rows}</tbody></table></div>
`;
}

const WIDE = markup` class="wide"`;
const STRONG = markup` class="strong"`;
const CELL_CLASSES: readonly (Markup | null)[] = [null, WIDE, STRONG, WIDE, WIDE];

function figureList(scenario: ScenarioResult): Markup | null {
  const figures = Object.entries(scenario.metrics).flatMap(([name, summary]) =>
    summary.type === "trend" ? [] : [figure(scenario, name, summary)],
  );
  // A gate whose metric was never measured is shown all the same.
  const unmeasured = scenario.gates
    .filter((gate) => !(metricOf(gate) in scenario.metrics))
    .map((gate) => {
      const { what } = gateWords(scenario, gate);
      return markup`<li class="red"><span>${what}</span><b>no samples</b>${gateChip(scenario, gate)}</li>\n`;
    });
  if (figures.length + unmeasured.length === 0) return null;
  return markup`<ul class="figures">${[...unmeasured, ...figures]}</ul>\n`;
}

function figure(scenario: ScenarioResult, name: string, summary: MetricSummary): Markup {
  const gates = gatesOn(scenario, name);
  const red = gates.some(({ outcome }) => outcome === "failed") ? markup` class="red"` : null;
  return markup`<li${red}><span>${metricTitle(scenario.id, name)}</span><b>${summaryText(summary)}</b>${gates.map((gate) => gateChip(scenario, gate))}</li>\n`;
}

function gateChip(scenario: ScenarioResult, gate: GateVerdict): Markup {
  const { what, value, limit } = gateWords(scenario, gate);
  const whole = `${gate.outcome}: ${what} ${value}, should be ${limit}`;
  return markup`<span class="chip ${gate.outcome}" title="${whole}"><span aria-hidden="true">${MARKS[gate.outcome]} </span><span class="unseen">${gate.outcome}: </span>${limitWords(scenario, gate)}</span>`;
}

function stageTable({ stages }: ScenarioResult): Markup | null {
  const known = stages.flatMap(({ stage, count, p50, p99 }) =>
    p50 === null || p99 === null ? [] : [{ stage, count, p50, p99 }],
  );
  if (known.length === 0) return null;
  const longest = Math.max(...known.map(({ p99 }) => p99));
  const share = (value: number): string => (longest > 0 ? (100 * value) / longest : 0).toFixed(2);
  const rows = known.map(
    ({ stage, p50, p99 }) =>
      markup`<tr><th scope="row">${stage}</th><td class="bar" aria-hidden="true"><svg viewBox="0 0 100 10" preserveAspectRatio="none"><rect class="p99" width="${share(p99)}" height="10"/><rect class="p50" width="${share(p50)}" height="10"/></svg></td><td>${valueText(p50, "ms")}</td><td class="strong">${valueText(p99, "ms")}</td></tr>\n`,
  );
  return markup`<div class="stages"><h4>Where the time goes <small>each part of an event's way by itself, by the hub's own metrics</small></h4>
<table><caption class="unseen">Time spent in each stage</caption><thead><tr><th scope="col">stage</th><th scope="col" class="bar"><span class="unseen">bar</span></th><th scope="col"><i class="swatch p50"></i>p50</th><th scope="col"><i class="swatch p99"></i>p99</th></tr></thead>
<tbody>${rows}</tbody></table></div>
`;
}
