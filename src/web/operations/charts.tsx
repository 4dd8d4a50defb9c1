import { type ReactElement, useMemo } from "react";
import { Chart } from "./chart.tsx";
import { STAGES, type Stage } from "./figures.ts";
import type { Line } from "./plot.ts";
import { ageText, numberText, rateText } from "./text.ts";
import type { Point } from "./watched.ts";

const STAGE_LINES: Readonly<Record<Stage, Pick<Line, "color" | "stroke">>> = {
  merged: { color: "--line-2", stroke: "dotted" },
  routed: { color: "--line-3", stroke: "dashed" },
  written: { color: "--line-1", stroke: "solid" },
};

const NO_AGES = "No event came through. Ages appear when backends send events for users who are connected.";
const NO_FIGURES = "Two readings make a rate: in two seconds.";

/** What changes with time. */
export function Charts({ points }: { readonly points: readonly Point[] }): ReactElement {
  const lines = useMemo(() => linesOf(points), [points]);
  const common = { unixMs: lines.unixMs };
  const age = { ...common, text: ageText, atLeast: 0.01, isWhole: false, empty: NO_AGES };
  return (
    <section aria-labelledby="over-time">
      <h2 id="over-time">Over the last ten minutes</h2>
      <div className="charts">
        <Chart
          {...common}
          title="Throughput, per second"
          lines={lines.rates}
          text={rateText}
          atLeast={10}
          isWhole
          empty={NO_FIGURES}
        />
        <Chart {...age} title="Event age, p99" lines={lines.p99} />
        <Chart
          {...common}
          title="Connections"
          lines={lines.connections}
          text={numberText}
          atLeast={10}
          isWhole
          empty={NO_FIGURES}
        />
        <Chart {...age} title="Event age, median" lines={lines.p50} />
      </div>
    </section>
  );
}

interface Lines {
  readonly unixMs: readonly number[];
  readonly rates: readonly Line[];
  readonly connections: readonly Line[];
  readonly p50: readonly Line[];
  readonly p99: readonly Line[];
}

function linesOf(points: readonly Point[]): Lines {
  const ages = (quantile: "p50" | "p99"): readonly Line[] =>
    STAGES.map((stage) => ({
      label: stage,
      ...STAGE_LINES[stage],
      values: points.map(({ figures }) => figures?.ages[stage][quantile] ?? null),
    }));
  const rates: readonly Line[] = [
    {
      label: "events in",
      color: "--line-2",
      stroke: "dashed",
      values: points.map(({ figures }) => figures?.eventsPerSecond ?? null),
    },
    {
      label: "messages out",
      color: "--line-1",
      stroke: "solid",
      values: points.map(({ figures }) => figures?.messagesPerSecond ?? null),
    },
  ];
  return {
    unixMs: points.map(({ unixMs }) => unixMs),
    rates,
    connections: [
      {
        label: "open",
        color: "--line-1",
        stroke: "solid",
        values: points.map(({ connections }) => connections),
      },
    ],
    p50: ages("p50"),
    p99: ages("p99"),
  };
}
