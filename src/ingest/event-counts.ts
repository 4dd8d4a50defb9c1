import type { DomainEventType } from "../domain/events.ts";
import { Histogram } from "../metrics/histogram.ts";
import { AGE_BOUNDS } from "../metrics/table.ts";

/** `unknown`: of no type that a producer may send, or refused before it was looked at. */
export type CountedType = DomainEventType | "unknown";

/** What became of the events of one source since the start. Results are `accepted`, `unchanged` and codes of rejections. */
export class EventCounts {
  /** Seconds from the arrival of an event, with the whole of its request, until it was merged; over all sources. */
  readonly age: Histogram;
  readonly #byType = new Map<CountedType, Map<string, number>>();

  constructor(age: Histogram) {
    this.age = age;
  }

  count(type: CountedType, result: string): void {
    let byResult = this.#byType.get(type);
    if (byResult === undefined) {
      byResult = new Map();
      this.#byType.set(type, byResult);
    }
    byResult.set(result, (byResult.get(result) ?? 0) + 1);
  }

  *entries(): Generator<{ readonly type: CountedType; readonly result: string; readonly count: number }> {
    for (const [type, byResult] of this.#byType)
      for (const [result, count] of byResult) yield { type, result, count };
  }
}

/** Of all ways in, also of what tusd is not told about. */
export interface IngestCounts {
  readonly age: Histogram;
  readonly bySource: Readonly<Record<"cloudevents" | "tusd" | "redis-stream", EventCounts>>;
}

export function createIngestCounts(): IngestCounts {
  const age = new Histogram(AGE_BOUNDS);
  const counts = () => new EventCounts(age);
  return { age, bySource: { cloudevents: counts(), tusd: counts(), "redis-stream": counts() } };
}
