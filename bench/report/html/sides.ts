import { type Markup, markup } from "../markup.ts";
import type { SideHeads, SideRow } from "../sides.ts";
import { type Outcome, scenarioName } from "../words.ts";
import { mark } from "./card.ts";

/** What a page of two sides begins with. */
interface Opening {
  readonly brand: string;
  readonly title: string;
  readonly outcome: Outcome;
  /** What is red, a sentence each. */
  readonly red: readonly string[];
  readonly remarks: readonly string[];
}

export function sidesHero({ brand, title, outcome, red, remarks }: Opening): Markup {
  const points = red.map((text) => markup`<li>${mark("failed")}<span>${text}</span></li>\n`);
  const list = points.length === 0 ? null : markup`<ul class="open">${points}</ul>\n`;
  return markup`<section class="hero ${outcome}">
<p class="brand">${brand}</p>
<h1>${mark(outcome)}<span>${title}</span></h1>
${list}${remarks.map((remark) => markup`<p class="note">${remark}</p>\n`)}</section>
`;
}

export function sidesCard(
  scenario: Parameters<typeof scenarioName>[0],
  [a, b, ratio]: SideHeads,
  rows: readonly SideRow[],
): Markup {
  return markup`<section class="card"><h2>${scenarioName(scenario)}</h2>
<div class="scroll"><table><caption class="unseen">Both sides</caption>
<thead><tr><th scope="col"></th><th scope="col">${a}</th><th scope="col">${b}</th><th scope="col">${ratio}</th><th scope="col" class="wide">spread</th><th scope="col" class="wide">gate</th><th scope="col">verdict</th></tr></thead>
<tbody>${rows.map(rowOf)}</tbody></table></div></section>
`;
}

function rowOf({ title, a, b, ratio, spread, limit, verdict }: SideRow): Markup {
  const chip =
    verdict === null ? null : markup`<span class="chip ${verdict.outcome}">${verdict.words}</span>`;
  return markup`<tr><th scope="row">${title}</th><td>${a}</td><td>${b}</td><td class="strong">${ratio}</td><td class="wide">${spread}</td><td class="wide">${limit}</td><td>${chip}</td></tr>\n`;
}
