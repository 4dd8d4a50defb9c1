import { styled } from "../../src/cli/watch/text.ts";
import { indented, type Look } from "../report/terminal.ts";
import { durationText, MARKS } from "../report/words.ts";
import { outcomeOfAll, type Trial } from "./verdict.ts";

const LOOKS = {
  found: { mark: MARKS.passed, style: "green" },
  missed: { mark: MARKS.failed, style: "red" },
  inconclusive: { mark: MARKS.inconclusive, style: "yellow" },
} as const;
const FAULT_COLUMNS = 12;

/** What was done, which gate was to be red, and which was. */
export function drawTrial(trial: Trial, look: Look): string {
  const { fault, about, expected, red, outcome, reasons, durationMs } = trial;
  const { mark, style } = LOOKS[outcome];
  const name = styled(fault.padEnd(FAULT_COLUMNS), "bold", look.color);
  const wanted = expected.length === 0 ? "no gate was to be red" : `to be red: ${expected.join(", ")}`;
  const were = red.map(({ metric, threshold, value }) => {
    return `${metric} ${value === null ? "without samples" : figureText(value)} (${threshold})`;
  });
  return [
    `${styled(mark, style, look.color)} ${name}${about}, ${durationText(durationMs)}`,
    ...indented(wanted, "    ", look, "dim"),
    ...indented(were.length === 0 ? "none was" : `red: ${were.join(", ")}`, "    ", look, "dim"),
    ...reasons.flatMap((reason) => indented(reason, `  ${mark} `, look, style)),
  ].join("\n");
}

/** What it comes to. */
export function drawSelfTest(trials: readonly Trial[], look: Look): string {
  const outcome = outcomeOfAll(trials);
  const { mark, style } = LOOKS[outcome];
  const named = (wanted: Trial["outcome"]) =>
    trials.filter((trial) => trial.outcome === wanted).map(({ fault }) => fault);
  const words = {
    found: `Every fault was told by its gates and by no other, and none where there was none (${trials.length} runs).`,
    missed: `The gates can't be trusted: ${named("missed").join(", ")}.`,
    inconclusive: `The machine was too busy to tell: ${named("inconclusive").join(", ")}.`,
  };
  return indented(words[outcome], `${mark} `, look, style).join("\n");
}

/** Four digits: one of 300 that is missing must not look like none. */
function figureText(value: number): string {
  return Number(value.toPrecision(4)).toLocaleString("en-US", { maximumFractionDigits: 6 });
}
