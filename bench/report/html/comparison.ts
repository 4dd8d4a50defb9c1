import type { Verdict } from "../../compare/spread.ts";
import {
  type ComparedRow,
  type ComparedScenario,
  type Comparison,
  isWorse,
  rowsWith,
} from "../../compare.ts";
import {
  cellOf,
  ratioText,
  rowTitle,
  sentence,
  spreadText,
  summary,
  VERDICT_WORDS,
} from "../comparison-words.ts";
import { type Markup, markup } from "../markup.ts";
import type { Outcome } from "../words.ts";
import { scenarioName } from "../words.ts";
import { mark } from "./card.ts";
import { documentOf } from "./document.ts";

/** Whose colours each has. */
const OUTCOMES: Readonly<Record<Verdict, Outcome>> = {
  better: "passed",
  same: "skipped",
  worse: "failed",
  unknown: "inconclusive",
};

/** A comparison as a page in the look of the report: one file that asks for no other. */
export function comparisonHtml(comparison: Comparison): string {
  const title = `B against A, ${summary(comparison)}`;
  return documentOf(title, markup`${hero(comparison, title)}${comparison.scenarios.map(scenarioCard)}`);
}

function hero(comparison: Comparison, title: string): Markup {
  const outcome = isWorse(comparison) ? "failed" : "passed";
  const worse = rowsWith(comparison, "worse").map(([scenario, row]) => sentence(scenario, row));
  const points = [...comparison.broken, ...worse].map(
    (text) => markup`<li>${mark("failed")}<span>${text}</span></li>\n`,
  );
  const list = points.length === 0 ? null : markup`<ul class="open">${points}</ul>\n`;
  return markup`<section class="hero ${outcome}">
<p class="brand">progress-hub bench compare</p>
<h1>${mark(outcome)}<span>${title}</span></h1>
${list}${comparison.remarks.map((remark) => markup`<p class="note">${remark}</p>\n`)}</section>
`;
}

function scenarioCard(scenario: ComparedScenario): Markup {
  const rows = scenario.rows.map((row) => rowOf(scenario, row));
  return markup`<section class="card"><h2>${scenarioName(scenario)}</h2>
<div class="scroll"><table><caption class="unseen">Both sides</caption>
<thead><tr><th scope="col"></th><th scope="col">A</th><th scope="col">B</th><th scope="col">B/A</th><th scope="col" class="wide">spread</th><th scope="col" class="wide">gate</th><th scope="col">verdict</th></tr></thead>
<tbody>${rows}</tbody></table></div></section>
`;
}

function rowOf(scenario: ComparedScenario, row: ComparedRow): Markup {
  const { verdict } = row;
  const chip =
    verdict === null
      ? null
      : markup`<span class="chip ${OUTCOMES[verdict]}">${VERDICT_WORDS[verdict]}</span>`;
  return markup`<tr><th scope="row">${rowTitle(scenario, row)}</th><td>${cellOf(row.a, row)}</td><td>${cellOf(row.b, row)}</td><td class="strong">${ratioText(row.ratio)}</td><td class="wide">${spreadText(row.spread)}</td><td class="wide">${row.threshold}</td><td>${chip}</td></tr>
`;
}
