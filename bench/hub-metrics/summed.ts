import type { Sample, Scrape } from "../../src/metrics/parse.ts";

/** Of several hubs as if they were one. */
export function summed(scrapes: readonly Scrape[]): Scrape {
  const sums = new Map<string, Sample>();
  for (const [series, sample] of scrapes.flatMap((scrape) => [...scrape])) {
    sums.set(series, { ...sample, value: sample.value + (sums.get(series)?.value ?? 0) });
  }
  return sums;
}
