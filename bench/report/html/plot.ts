import { type Markup, markup } from "../markup.ts";
import type { Axis } from "./scale.ts";

// A plot of lines: drawn once, readable without a script, which only adds the values under the pointer.

export interface Line {
  readonly name: string;
  /** What the legend says beside the name: `p99 14.2 ms`. */
  readonly aside: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  /** Of the title: `ms, logarithmic`. */
  readonly unit: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
  /** A value not to be passed, and what it is; null: none. */
  readonly limit: { readonly value: number; readonly label: string } | null;
  /** Parts of the x axis that have a name. The one that counts is shaded. */
  readonly bands: readonly Band[];
  /** The plot in words, for those who don't see it; shown to all where it says what the legend doesn't. */
  readonly text: string;
  readonly textShown: boolean;
  readonly xText: (x: number) => string;
  readonly yText: (y: number) => string;
}

export interface Band {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly counts: boolean;
}

const WIDTH = 560;
const HEIGHT = 230;
const LEFT = 48;
const RIGHT = 548;
const TOP = 18;
const BOTTOM = 202;
/** More points than pixels are not seen. */
const MAX_POINTS = 180;
const TONES = 6;
const CHARACTER_WIDTH = 6.6;

export function drawPlot(plot: Plot): Markup {
  const lines = plot.lines.map((line) => ({ ...line, points: thinned(line.points) }));
  return markup`<figure class="plot">
<figcaption><h4 id="${plot.id}-title">${plot.title}<small>${plot.unit}</small></h4>
<ul class="legend">${plot.lines.map(legend)}</ul></figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${plot.id}-title" aria-describedby="${plot.id}-text" data-lines="${hoverData(plot, lines)}">
${plot.bands.map((band) => drawBand(plot, band))}${drawGrid(plot)}${drawLimit(plot)}${lines.map((line, index) => drawLine(plot, line, index))}</svg>
<p class="${plot.textShown ? "text" : "unseen"}" id="${plot.id}-text">${plot.text}</p>
</figure>
`;
}

function legend({ name, aside }: Line, index: number): Markup {
  return markup`<li><svg class="key" viewBox="0 0 26 8" aria-hidden="true"><path class="line tone-${index % TONES}" d="M1 4H25"/></svg>${name} <b>${aside}</b></li>`;
}

function drawBand(plot: Plot, { name, from, to, counts }: Band): Markup {
  const [left, right] = [xOf(plot, from), xOf(plot, to)];
  const shade = counts
    ? markup`<rect class="counts" x="${left}" y="${TOP}" width="${round(right - left)}" height="${BOTTOM - TOP}"/>`
    : markup``;
  const label =
    right - left > name.length * CHARACTER_WIDTH
      ? markup`<text class="band" x="${round((left + right) / 2)}" y="${TOP - 5}" text-anchor="middle">${name}</text>`
      : markup``;
  return markup`${shade}${label}`;
}

function drawGrid(plot: Plot): Markup {
  const rows = plot.y.ticks.map(([value, label]) => {
    const y = yOf(plot, value);
    return markup`<path class="grid" d="M${LEFT} ${y}H${RIGHT}"/><text x="${LEFT - 7}" y="${y + 4}" text-anchor="end">${label}</text>`;
  });
  const columns = plot.x.ticks.map(([value, label]) => {
    const x = xOf(plot, value);
    return markup`<path class="grid" d="M${x} ${TOP}V${BOTTOM}"/><text x="${x}" y="${BOTTOM + 18}" text-anchor="middle">${label}</text>`;
  });
  return markup`${rows}${columns}\n`;
}

function drawLimit(plot: Plot): Markup {
  if (plot.limit === null) return markup``;
  const y = yOf(plot, plot.limit.value);
  return markup`<path class="limit" d="M${LEFT} ${y}H${RIGHT}"/><text class="limit-text" x="${LEFT + 6}" y="${y - 5}">${plot.limit.label}</text>\n`;
}

function drawLine(plot: Plot, { points }: Line, index: number): Markup {
  const path = points.map(([x, y], at) => `${at === 0 ? "M" : "L"}${xOf(plot, x)} ${yOf(plot, y)}`).join("");
  return markup`<path class="line tone-${index % TONES}" d="${path}"/>\n`;
}

/** A row a line, parted by tabs: its name, then of each point where it is (x, y) and what it says (x, y). */
function hoverData(plot: Plot, lines: readonly Line[]): string {
  const rows = lines.map(({ name, points }) => [
    name.replace(/\s+/g, " "),
    ...points.flatMap(([x, y]) => [xOf(plot, x), yOf(plot, y), plot.xText(x), plot.yText(y)]),
  ]);
  return rows.map((fields) => fields.join("\t")).join("\n");
}

/** As many buckets as can be seen, of each its highest: a peak must not vanish. */
function thinned(points: Line["points"]): Line["points"] {
  if (points.length <= MAX_POINTS) return points;
  const size = points.length / MAX_POINTS;
  return Array.from({ length: MAX_POINTS }, (_, bucket) => {
    const part = points.slice(Math.floor(bucket * size), Math.floor((bucket + 1) * size));
    return part.reduce((highest, point) => (point[1] > highest[1] ? point : highest));
  });
}

function xOf({ x }: Plot, value: number): number {
  return round(LEFT + x.at(value) * (RIGHT - LEFT));
}

function yOf({ y }: Plot, value: number): number {
  return round(BOTTOM - y.at(value) * (BOTTOM - TOP));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
