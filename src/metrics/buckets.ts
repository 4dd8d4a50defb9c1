import { hasLabels } from "./increases.ts";
import type { Sample } from "./parse.ts";
import type { Bucket } from "./percentile.ts";
import { type HistogramName, PREFIX } from "./table.ts";

/** Those of the histogram with these labels, ascending. */
export function bucketsOf(
  samples: readonly Sample[],
  name: HistogramName,
  labels: Readonly<Record<string, string>>,
): readonly Bucket[] {
  return samples
    .filter((sample) => sample.name === `${PREFIX}${name}_bucket` && hasLabels(sample, labels))
    .map((sample) => ({ upTo: boundOf(sample.labels.le), count: sample.value }))
    .toSorted((a, b) => a.upTo - b.upTo);
}

function boundOf(le = ""): number {
  return le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
}
