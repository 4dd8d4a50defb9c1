export interface Bucket {
  /** Inclusive; Infinity in the last. */
  readonly upTo: number;
  /** How many are in this bucket and all before it. */
  readonly count: number;
}

/**
 * Evenly spread within its bucket, as Prometheus' `histogram_quantile` has it; what is above the last finite bound is
 * told as that bound. `buckets` ascending. null: without samples.
 */
export function percentileOf(buckets: readonly Bucket[], percentile: number): number | null {
  const total = buckets.at(-1)?.count ?? 0;
  if (total === 0) return null;
  const rank = (percentile / 100) * total;
  const index = buckets.findIndex(({ count }) => count >= rank && count > 0);
  const bucket = buckets[index];
  const below = buckets[index - 1] ?? { upTo: 0, count: 0 };
  if (bucket === undefined || bucket.upTo === Number.POSITIVE_INFINITY) return below.upTo;
  return below.upTo + ((bucket.upTo - below.upTo) * (rank - below.count)) / (bucket.count - below.count);
}
