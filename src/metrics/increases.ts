import type { Sample, Scrape } from "./parse.ts";
import { type NumberName, PREFIX } from "./table.ts";

type Labels = Readonly<Record<string, string>>;

/** Only what has grown, series by series. A counter that is less than before has begun anew at 0, as its process has. */
export function increases(before: Scrape, after: Scrape): readonly Sample[] {
  return [...after].map(([series, sample]) => {
    const was = before.get(series)?.value ?? 0;
    return { ...sample, value: sample.value < was ? sample.value : sample.value - was };
  });
}

/** The sum of all series of this counter that have these labels. 0 where there is none. */
export function increaseOf(grown: readonly Sample[], name: CounterName, labels: Labels = {}): number {
  return grown.reduce((sum, sample) => sum + (isOf(sample, name, labels) ? sample.value : 0), 0);
}

/** By the values of this label, in the order of the scrape. */
export function increasesBy(
  grown: readonly Sample[],
  name: CounterName,
  label: string,
): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const sample of grown) {
    const value = sample.labels[label];
    if (value !== undefined && isOf(sample, name, {})) sums.set(value, (sums.get(value) ?? 0) + sample.value);
  }
  return sums;
}

/** Of the table of `/metrics`, without the prefix. */
export type CounterName = Extract<NumberName, `${string}_total`>;

function isOf(sample: Sample, name: CounterName, labels: Labels): boolean {
  return sample.name === `${PREFIX}${name}` && hasLabels(sample, labels);
}

export function hasLabels(sample: Sample, labels: Labels): boolean {
  return Object.entries(labels).every(([label, value]) => sample.labels[label] === value);
}
