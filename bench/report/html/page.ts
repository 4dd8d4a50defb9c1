import type { BenchResult, ScenarioResult } from "../../result.ts";
import { TRANSPORTS } from "../../transports.ts";
import { type Markup, markup } from "../markup.ts";
import {
  briefly,
  counted,
  durationText,
  gatesOn,
  gatesWith,
  gateWords,
  headline,
  loadWords,
  machineWords,
  numberText,
  openScenarios,
  scenarioName,
  targetWords,
  transportTitle,
  valueText,
} from "../words.ts";
import { mark, scenarioCard } from "./card.ts";
import { documentOf } from "./document.ts";

/** A number worth being the first that is seen, and where it comes from. */
interface Tile {
  readonly title: string;
  readonly value: string;
  readonly from: string;
}

/** The report: one file that asks for no other. */
export function htmlOf(result: BenchResult): string {
  const cards = result.scenarios.map((scenario, index) => scenarioCard(scenario, idOf(index)));
  return documentOf(
    headline(result),
    markup`${hero(result)}${tilesOf(result)}${overview(result)}${cards}${origin(result)}`,
  );
}

function idOf(index: number): string {
  return `scenario-${index + 1}`;
}

function linkTo(result: BenchResult, scenario: ScenarioResult): Markup {
  return markup`<a href="#${idOf(result.scenarios.indexOf(scenario))}">${scenarioName(scenario)}</a>`;
}

function hero(result: BenchResult): Markup {
  const red = gatesWith(result, "failed").map(({ scenario, gate }) => {
    const { what, value, limit } = gateWords(scenario, gate);
    return markup`<li>${mark("failed")}<span>${linkTo(result, scenario)}: ${what} <b>${value}</b>, should be ${limit}</span></li>\n`;
  });
  const open = openScenarios(result).map(
    (scenario) =>
      markup`<li>${mark(scenario.outcome)}<span>${linkTo(result, scenario)}: ${briefly(scenario)}</span></li>\n`,
  );
  const list = red.length + open.length === 0 ? null : markup`<ul class="open">${red}${open}</ul>\n`;
  return markup`<section class="hero ${result.outcome}">
<p class="brand">progress-hub bench <span>profile ${result.profile}</span></p>
<h1>${mark(result.outcome)}<span>${headline(result)}</span></h1>
${list}</section>
`;
}

function tilesOf(result: BenchResult): Markup | null {
  const tiles = [worstP99(result), delivered(result), ...costTiles(result)].filter((tile) => tile !== null);
  if (tiles.length === 0) return null;
  return markup`<dl class="tiles">${tiles.map(({ title, value, from }) => markup`<div><dt>${title}</dt><dd>${value}</dd><dd class="from">${from}</dd></div>\n`)}</dl>\n`;
}

function worstP99(result: BenchResult): Tile | null {
  let worst: { p99: number; from: string } | null = null;
  for (const scenario of result.scenarios) {
    for (const transport of TRANSPORTS) {
      const summary = scenario.metrics[transport];
      // Where no gate holds it to anything, such as while all come back, it is not the hub's everyday.
      if (summary?.type !== "trend" || summary.p99 === null || gatesOn(scenario, transport).length === 0)
        continue;
      if (summary.p99 <= (worst?.p99 ?? 0)) continue;
      worst = { p99: summary.p99, from: `${transportTitle(transport)}, ${scenarioName(scenario)}` };
    }
  }
  return worst === null ? null : { title: "Worst p99", value: valueText(worst.p99, "ms"), from: worst.from };
}

function delivered({ scenarios }: BenchResult): Tile | null {
  let [messages, lost] = [0, 0];
  for (const { metrics } of scenarios) {
    for (const name of [...TRANSPORTS, "trailing"]) {
      const summary = metrics[name];
      if (summary?.type === "trend") messages += summary.count;
    }
    if (metrics.lost?.type === "counter") lost += metrics.lost.count;
  }
  if (messages === 0) return null;
  return { title: "Messages measured", value: numberText(messages), from: `${numberText(lost)} lost` };
}

function costTiles({ scenarios }: BenchResult): readonly (Tile | null)[] {
  const wanted = [
    ["cpu_per_event", "CPU per event"],
    ["pss_per_connection_after", "Memory per connection"],
  ] as const;
  return wanted.map(([name, title]) => {
    const scenario = scenarios.find(({ metrics }) => metrics[name]?.type === "gauge");
    const summary = scenario?.metrics[name];
    if (scenario === undefined || summary?.type !== "gauge") return null;
    return { title, value: valueText(summary.value, summary.unit), from: scenarioName(scenario) };
  });
}

function overview(result: BenchResult): Markup {
  const rows = result.scenarios.map((scenario) => {
    const green = scenario.gates.filter(({ outcome }) => outcome === "passed").length;
    const gates = scenario.gates.length === 0 ? "–" : `${green}/${scenario.gates.length}`;
    const load = loadWords(scenario.load).map((words) => words.replace(/ \(.*/, ""));
    return markup`<tr><td>${mark(scenario.outcome)}</td><th scope="row">${linkTo(result, scenario)}</th><td class="wide text">${load.join(", ")}</td>${TRANSPORTS.map((transport) => p99Cell(scenario, transport))}<td class="wide">${gates}</td></tr>\n`;
  });
  return markup`<section class="card overview"><div class="scroll"><table>
<caption class="unseen">All scenarios</caption>
<thead><tr><th scope="col"><span class="unseen">outcome</span></th><th scope="col">scenario</th><th scope="col" class="wide text">load</th>${TRANSPORTS.map((transport) => markup`<th scope="col">${transportTitle(transport)}<small> p99</small></th>`)}<th scope="col" class="wide">gates</th></tr></thead>
<tbody>${rows}</tbody></table></div></section>
`;
}

function p99Cell(scenario: ScenarioResult, transport: string): Markup {
  const summary = scenario.metrics[transport];
  if (summary?.type !== "trend" || summary.p99 === null) return markup`<td class="none">–</td>`;
  const red = scenario.gates.some(
    ({ metric, outcome }) => outcome === "failed" && metric === `${scenario.id}.${transport}`,
  );
  return markup`<td${red ? markup` class="red"` : null}>${numberText(summary.p99)}<small> ms</small></td>`;
}

function origin(result: BenchResult): Markup {
  const facts: readonly (readonly [string, string])[] = [
    ["Measured", targetWords(result)],
    ["Machine", machineWords(result)],
    ["When", `${result.startedAt}, ${durationText(result.durationMs)}`],
    ["What", `${counted(result.scenarios.length, "scenario")}, profile ${result.profile}`],
  ];
  return markup`<footer class="card"><dl>${facts.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}<div><dt>Again</dt><dd><code>${result.command}</code></dd></div></dl>
<p>Latency is from when an event was due, not when it was sent, to when its message was received: open loop, all histograms merged, warm-up not counted.</p></footer>
`;
}
