import { type HistogramName, PREFIX } from "../../src/metrics/table.ts";
import type { StageTimes } from "../result.ts";
import { type Bucket, percentileOf } from "./percentile.ts";
import type { Sample } from "./text.ts";

const AGES: HistogramName = "event_age_seconds";
/** The way of an event, in its order. */
const STAGES = ["merged", "routed", "written"] as const;
const MS_PER_S = 1_000;

/** How long events took for each part of their way, in milliseconds, as exact as the buckets are wide. */
export function stageTimes(grown: readonly Sample[]): readonly StageTimes[] {
  return STAGES.map((stage) => {
    const buckets = bucketsOf(grown, stage);
    const atMs = (percentile: number): number | null => {
      const seconds = percentileOf(buckets, percentile);
      return seconds === null ? null : seconds * MS_PER_S;
    };
    return { stage, count: buckets.at(-1)?.count ?? 0, p50: atMs(50), p99: atMs(99) };
  });
}

function bucketsOf(grown: readonly Sample[], stage: string): readonly Bucket[] {
  return grown
    .filter(({ name, labels }) => name === `${PREFIX}${AGES}_bucket` && labels.stage === stage)
    .map(({ labels, value }) => ({ upTo: boundOf(labels.le), count: value }))
    .toSorted((a, b) => a.upTo - b.upTo);
}

function boundOf(le = ""): number {
  return le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
}
