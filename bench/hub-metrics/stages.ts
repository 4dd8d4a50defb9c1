import { bucketsOf } from "../../src/metrics/buckets.ts";
import type { Sample } from "../../src/metrics/parse.ts";
import { percentileOf } from "../../src/metrics/percentile.ts";
import type { HistogramName } from "../../src/metrics/table.ts";
import type { StageTimes } from "../result.ts";

const AGES: HistogramName = "event_age_seconds";
/** The way of an event, in its order. */
const STAGES = ["merged", "routed", "written"] as const;
const MS_PER_S = 1_000;

/** How long events took for each part of their way, in milliseconds, as exact as the buckets are wide. */
export function stageTimes(grown: readonly Sample[]): readonly StageTimes[] {
  return STAGES.map((stage) => {
    const buckets = bucketsOf(grown, AGES, { stage });
    const atMs = (percentile: number): number | null => {
      const seconds = percentileOf(buckets, percentile);
      return seconds === null ? null : seconds * MS_PER_S;
    };
    return { stage, count: buckets.at(-1)?.count ?? 0, p50: atMs(50), p99: atMs(99) };
  });
}
