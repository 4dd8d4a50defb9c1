import { type ReactElement, useMemo } from "react";
import { Chart } from "./chart.tsx";
import { STAGES, type Stage } from "./figures.ts";
import { ageText, numberText, rateText } from "./text.ts";
import type { Point } from "./watched.ts";

const STAGE_LINES: Readonly<Record<Stage, { readonly color: string; readonly dash?: readonly number[] }>> = {
  merged: { color: "--line-2", dash: [2, 3] },
  routed: { color: "--line-3", dash: [7, 4] },
  written: { color: "--line-1" },
};

const NO_AGES = "No event came through. Ages appear when backends send events for users who are connected.";
const NO_FIGURES = "Two readings make a rate: in two seconds.";

/** What changes with time. */
export function Charts({ points }: { readonly points: readonly Point[] }): ReactElement {
  const lines = useMemo(() => linesOf(points), [points]);
  const common = { unixMs: lines.unixMs };
  const age = { ...common, text: ageText, atLeast: 0.01, empty: NO_AGES };
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
          empty={NO_FIGURES}
        />
        <Chart {...age} title="Event age, 99 of 100 are younger" lines={lines.p99} />
        <Chart
          {...common}
          title="Connections"
          lines={lines.connections}
          text={numberText}
          atLeast={10}
          empty={NO_FIGURES}
        />
        <Chart {...age} title="Event age, median" lines={lines.p50} />
      </div>
    </section>
  );
}

function linesOf(points: readonly Point[]) {
  const ages = (quantile: "p50" | "p99") =>
    STAGES.map((stage) => ({
      label: stage,
      ...STAGE_LINES[stage],
      values: points.map(({ figures }) => figures?.ages[stage][quantile] ?? null),
    }));
  const rates = [
    {
      label: "events in",
      color: "--line-2",
      dash: [7, 4],
      values: points.map(({ figures }) => figures?.eventsPerSecond ?? null),
    },
    {
      label: "messages out",
      color: "--line-1",
      values: points.map(({ figures }) => figures?.messagesPerSecond ?? null),
    },
  ];
  return {
    unixMs: points.map(({ unixMs }) => unixMs),
    rates,
    connections: [{ label: "open", color: "--line-1", values: points.map(({ connections }) => connections) }],
    p50: ages("p50"),
    p99: ages("p99"),
  };
}
