import { type ReactElement, useEffect, useId, useRef, useState } from "react";
import type UPlot from "uplot";
import { type Line, makePlot } from "./plot.ts";
import { clockText, orUnknown } from "./text.ts";

export interface ChartProps {
  readonly title: string;
  readonly unixMs: readonly number[];
  readonly lines: readonly Line[];
  readonly text: (value: number) => string;
  readonly atLeast: number;
  readonly isWhole: boolean;
  /** What would make it fill, where no line has a value. */
  readonly empty: string;
}

/** Lines over time, with their values now, or where the pointer is. Whoever can't see it is told the range of each. */
export function Chart({ title, unixMs, lines, text, atLeast, isWhole, empty }: ChartProps): ReactElement {
  const id = useId();
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  // What a plot is made with stays; what changes is its data.
  const made = useRef({ lines, text, atLeast, isWhole });

  useEffect(() => {
    const parent = element.current;
    if (parent === null) return;
    const drawn = makePlot(parent, { ...made.current, onPoint: setPointed });
    plot.current = drawn;
    const watcher = new ResizeObserver(() => {
      drawn.setSize({ width: parent.clientWidth, height: drawn.height });
    });
    watcher.observe(parent);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const redraw = (): void => drawn.redraw(false, true);
    scheme.addEventListener("change", redraw);
    return () => {
      scheme.removeEventListener("change", redraw);
      watcher.disconnect();
      drawn.destroy();
      plot.current = null;
    };
  }, []);

  useEffect(() => {
    plot.current?.setData([unixMs.map((ms) => ms / 1_000), ...lines.map(({ values }) => [...values])]);
  }, [unixMs, lines]);

  const isEmpty = lines.every(({ values }) => values.every((value) => value === null));
  const index = pointed === null || pointed >= unixMs.length ? unixMs.length - 1 : pointed;
  const when = pointed === null ? "now" : clockText(unixMs[index] ?? 0);
  return (
    <section className="card chart" aria-labelledby={id}>
      <div className="chart-head">
        <h3 id={id}>{title}</h3>
        <span className="muted when" aria-hidden="true">
          {when}
        </span>
      </div>
      <ul className="legend">
        {lines.map(({ label, color, stroke, values }) => (
          <li key={label} data-line={color} data-stroke={stroke}>
            {label} <b>{orUnknown(values[index] ?? null, text)}</b>
          </li>
        ))}
      </ul>
      <div className="plot-place">
        <div
          className="plot"
          ref={element}
          role="img"
          aria-label={isEmpty ? empty : summaryOf(lines, text)}
        />
        {isEmpty && (
          <p className="plot-empty muted" aria-hidden="true">
            {empty}
          </p>
        )}
      </div>
    </section>
  );
}

/** `Lines over time. Events in: 3 to 120/s.` */
function summaryOf(lines: readonly Line[], text: (value: number) => string): string {
  const parts = lines.map(({ label, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${label}: nothing yet.`;
    return `${label}: ${text(Math.min(...known))} to ${text(Math.max(...known))}.`;
  });
  return `Lines over time. ${parts.join(" ")}`;
}
