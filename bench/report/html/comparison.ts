import { type Comparison, isWorse, rowsWith } from "../../compare.ts";
import { SIDES, sentence, sideRowOf, summary } from "../comparison-words.ts";
import { markup } from "../markup.ts";
import { documentOf } from "./document.ts";
import { sidesCard, sidesHero } from "./sides.ts";

/** A comparison as a page in the look of the report: one file that asks for no other. */
export function comparisonHtml(comparison: Comparison): string {
  const title = `B against A, ${summary(comparison)}`;
  const hero = sidesHero({
    brand: "progress-hub bench compare",
    title,
    outcome: isWorse(comparison) ? "failed" : "passed",
    red: [
      ...comparison.broken,
      ...rowsWith(comparison, "worse").map(([scenario, row]) => sentence(scenario, row)),
    ],
    remarks: comparison.remarks,
  });
  const cards = comparison.scenarios.map((scenario) =>
    sidesCard(
      scenario,
      SIDES,
      scenario.rows.map((row) => sideRowOf(scenario, row)),
    ),
  );
  return documentOf(title, markup`${hero}${cards}`);
}
