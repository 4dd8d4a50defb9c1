import type { Figures } from "./figures.ts";
import { gaugeOf, type Reading, seriesOf } from "./reading.ts";

export interface ProcessRow {
  readonly name: string;
  /** False: it did not answer the hub in time, and told nothing. */
  readonly answers: boolean;
  /** Cores; null: not known yet, as all below. */
  readonly cpu: number | null;
  readonly memoryBytes: number | null;
  readonly uptimeSeconds: number | null;
  /** How late its event loop was: the median, and the 99th percentile. */
  readonly medianLoopDelaySeconds: number | null;
  readonly lateLoopDelaySeconds: number | null;
}

/** Primary, core, and gateways by their number. */
export function processesOf({ metrics }: Reading, figures: Figures | null): readonly ProcessRow[] {
  return seriesOf(metrics, "process_up")
    .map(({ labels, value }) => {
      const process = { process: labels.process ?? "" };
      return {
        name: process.process,
        answers: value === 1,
        cpu: figures?.cpu.get(process.process) ?? null,
        memoryBytes: gaugeOf(metrics, "process_resident_memory_bytes", process),
        uptimeSeconds: gaugeOf(metrics, "process_uptime_seconds", process),
        medianLoopDelaySeconds: gaugeOf(metrics, "process_loop_delay_seconds", {
          ...process,
          quantile: "0.5",
        }),
        lateLoopDelaySeconds: gaugeOf(metrics, "process_loop_delay_seconds", {
          ...process,
          quantile: "0.99",
        }),
      };
    })
    .toSorted((a, b) => rank(a.name) - rank(b.name) || compareNames(a.name, b.name));
}

export function compareNames(one: string, other: string): number {
  return one.localeCompare(other, "en", { numeric: true });
}

function rank(name: string): number {
  const known = ["primary", "core"].indexOf(name);
  return known < 0 ? 2 : known;
}
