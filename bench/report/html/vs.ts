import type { VsResult } from "../../vs/result.ts";
import { type Markup, markup } from "../markup.ts";
import { VS_HEADS, vsHeadline, vsOpen, vsOrigin, vsRed, vsRowOf } from "../vs-words.ts";
import { durationText, machineWords } from "../words.ts";
import { documentOf } from "./document.ts";
import { sidesCard, sidesHero } from "./sides.ts";

/** The ratios as a page in the look of the report: one file that asks for no other. */
export function vsHtml(result: VsResult): string {
  const title = vsHeadline(result);
  const hero = sidesHero({
    brand: `progress-hub bench --vs ${result.baseline}`,
    title,
    outcome: result.outcome,
    red: vsRed(result),
    remarks: [...vsOpen(result), ...result.remarks],
  });
  const cards = result.scenarios.map((scenario) =>
    sidesCard(
      scenario,
      VS_HEADS,
      scenario.ratios.map((ratio) => vsRowOf(scenario, ratio)),
    ),
  );
  return documentOf(title, markup`${hero}${cards}${origin(result)}`);
}

function origin(result: VsResult): Markup {
  const [hub] = result.runs.hub;
  const lines = [
    ...vsOrigin(result),
    ...(hub === undefined ? [] : [machineWords(hub)]),
    `${result.startedAt}, ${durationText(result.durationMs)}, profile ${result.profile}`,
  ];
  return markup`<footer class="card">${lines.map((line) => markup`<p>${line}</p>\n`)}<p>Again: <code>${result.command}</code></p>
<p>Each ratio is the median of those of the pairs; the spread is where that median lies with 90 % or more, from 5 pairs on.</p></footer>
`;
}
