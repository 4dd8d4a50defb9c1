import type { Histogram } from "./histogram.ts";
import {
  type HistogramName,
  type LabelsOf,
  type MetricName,
  metricNames,
  metricOf,
  type NumberName,
  PREFIX,
} from "./table.ts";

type Labels = Readonly<Record<string, string>>;

interface Value {
  readonly labels: Labels;
  readonly value: number;
  /** Of a histogram: the name of its bucket, sum or count. */
  readonly metricName?: string;
}

/** One metric with its series, as prom-client's `getMetricsAsJSON` has it. Plain data: it crosses processes. */
export interface MetricSnapshot {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  readonly values: readonly Value[];
}

/** The metrics of one process at one time. */
export type Snapshot = readonly MetricSnapshot[];

/** What the sources of a process's metrics write down when they are asked. Labels and types are those of the table. */
export class Readings {
  readonly #values = new Map<MetricName, Value[]>();

  set<Name extends NumberName>(name: Name, labels: LabelsOf<Name>, value: number): void {
    this.#of(name).push({ labels, value });
  }

  histogram<Name extends HistogramName>(name: Name, labels: LabelsOf<Name>, from: Histogram): void {
    const values = this.#of(name);
    let count = 0;
    const bucket = (le: string): void => {
      values.push({ metricName: `${PREFIX}${name}_bucket`, labels: { ...labels, le }, value: count });
    };
    from.bounds.forEach((bound, index) => {
      count += from.counts[index] ?? 0;
      bucket(String(bound));
    });
    count += from.counts[from.bounds.length] ?? 0;
    bucket("+Inf");
    values.push({ metricName: `${PREFIX}${name}_sum`, labels, value: from.sum });
    values.push({ metricName: `${PREFIX}${name}_count`, labels, value: count });
  }

  /** Those that were written. */
  snapshot(): Snapshot {
    return [...this.#values].map(([name, values]) => ({ ...headOf(name), values }));
  }

  #of(name: MetricName): Value[] {
    const values = this.#values.get(name) ?? [];
    this.#values.set(name, values);
    return values;
  }
}

/** Every metric of the table without a series: what comes after it is told in its order, and nothing is missing. */
export const NOTHING_READ: Snapshot = metricNames.map((name) => ({ ...headOf(name), values: [] }));

function headOf(name: MetricName): Omit<MetricSnapshot, "values"> {
  const { type, help, combine = "sum" } = metricOf(name);
  return { name: `${PREFIX}${name}`, help, type, aggregator: combine };
}
