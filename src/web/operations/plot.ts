import UPlot from "uplot";
import { clockText } from "./text.ts";

/** Lengths of dashes and of gaps. */
const DASHES = { solid: [], dashed: [7, 4], dotted: [2, 3] } as const;

/** One line of a chart. */
export interface Line {
  readonly label: string;
  /** A variable of the theme, such as `--line-1`. */
  readonly color: string;
  /** So that lines differ by more than colour. */
  readonly stroke: keyof typeof DASHES;
  /** One for each time; null: nobody knows. */
  readonly values: readonly (number | null)[];
}

export interface PlotOptions {
  readonly lines: readonly Line[];
  readonly text: (value: number) => string;
  /** The scale reaches at least so far, so that noise near zero looks like it. */
  readonly atLeast: number;
  /** There is nothing between 1 and 2. */
  readonly isWhole: boolean;
  /** The pointer is at this time of the data; null: it is not on the plot. */
  readonly onPoint: (index: number | null) => void;
}

const WHOLE = [1, 10, 100, 1_000, 10_000, 100_000].flatMap((unit) => [unit, 2 * unit, 5 * unit]);
const HEIGHT_PX = 190;
const FONT = "12px system-ui, sans-serif";
/** A young page shows a line and not a dot in a corner. */
const SHORTEST_SECONDS = 120;

/** Draws into the element. Colours are looked up at each drawing, so that a redraw follows a change of scheme. */
export function makePlot(
  element: HTMLElement,
  { lines, text, atLeast, isWhole, onPoint }: PlotOptions,
): UPlot {
  const color = colorsOf(element);
  const axis = { stroke: () => color("--muted"), font: FONT };
  const faint = { stroke: () => color("--line"), width: 1 };
  return new UPlot(
    {
      width: element.clientWidth || 300,
      height: HEIGHT_PX,
      // Half of the last time below the axis sticks out.
      padding: [null, 30, null, null],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: {
        x: { time: true, range: (_plot, min, max) => [Math.min(min, max - SHORTEST_SECONDS), max] },
        y: { range: (_plot, _min, max) => [0, Math.max(atLeast, (max ?? 0) * 1.1)] },
      },
      axes: [
        {
          ...axis,
          ...{ grid: { show: false }, ticks: faint, space: 80, size: 34 },
          values: (_plot, splits) => splits.map((seconds) => clockText(seconds * 1_000)),
        },
        {
          ...axis,
          ...{ grid: faint, ticks: { show: false }, size: 62, space: 30 },
          ...(isWhole && { incrs: WHOLE }),
          values: (_plot, splits) => splits.map((value) => text(value).replace(/\.0(?!\d)/, "")),
        },
      ],
      series: [
        {},
        ...lines.map((line) => ({
          label: line.label,
          stroke: () => color(line.color),
          width: 2,
          dash: [...DASHES[line.stroke]],
          points: { show: false },
        })),
      ],
      hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
    },
    undefined,
    element,
  );
}

/** A canvas knows no variables, and can't choose between light and dark: the element resolves them for it. */
function colorsOf(element: HTMLElement): (name: string) => string {
  const probe = document.createElement("i");
  probe.hidden = true;
  element.append(probe);
  return (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
}
