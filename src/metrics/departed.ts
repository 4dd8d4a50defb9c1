import type { MetricSnapshot, Snapshot } from "./readings.ts";

/** Labels that name one process: such series end with it, and are not summed with others. */
const OF_ONE_PROCESS: readonly string[] = ["process", "gateway"];

/**
 * What processes had counted when they were last asked, so that a sum over all of them does not fall when one of them
 * goes or does not answer: Prometheus would take the fall for a reset, and all that is left for new. What one counted
 * after its last scrape is lost.
 */
export class Departed {
  readonly #last = new Map<string, Snapshot>();
  /** One snapshot for all that are gone. */
  #gone: Snapshot = [];

  /** Takes a whole round of answers, null where there was none; gives what is to be summed beside them. */
  update(answers: ReadonlyMap<string, Snapshot | null>): readonly Snapshot[] {
    const silent: Snapshot[] = [];
    for (const [name, last] of this.#last) {
      const answer = answers.get(name);
      if (answer === undefined) {
        this.#last.delete(name);
        this.#gone = sum(this.#gone, last);
      } else if (answer === null) silent.push(last);
    }
    for (const [name, answer] of answers) if (answer !== null) this.#last.set(name, countersOf(answer));
    return [this.#gone, ...silent];
  }
}

function countersOf(snapshot: Snapshot): Snapshot {
  return snapshot
    .filter(({ type }) => type === "counter" || type === "histogram")
    .map((metric) => ({
      ...metric,
      values: metric.values.filter(({ labels }) => !OF_ONE_PROCESS.some((label) => label in labels)),
    }));
}

function sum(left: Snapshot, right: Snapshot): Snapshot {
  const metrics = new Map<string, MetricSnapshot>(left.map((metric) => [metric.name, metric]));
  for (const metric of right) {
    const known = metrics.get(metric.name);
    metrics.set(metric.name, known === undefined ? metric : { ...known, values: sumOfValues(known, metric) });
  }
  return [...metrics.values()];
}

function sumOfValues(left: MetricSnapshot, right: MetricSnapshot): MetricSnapshot["values"] {
  const values = new Map(left.values.map((value) => [keyOf(value), value]));
  for (const value of right.values) {
    const key = keyOf(value);
    values.set(key, { ...value, value: value.value + (values.get(key)?.value ?? 0) });
  }
  return [...values.values()];
}

function keyOf({ metricName, labels }: MetricSnapshot["values"][number]): string {
  return JSON.stringify([metricName, Object.entries(labels).sort()]);
}
