import type { DomainEvent } from "../domain/events.ts";
import { systemClock } from "../engine/clock.ts";
import type { Engine, PublishResult, Rejection } from "../engine/contract.ts";
import type { EventCounts } from "./event-counts.ts";
import { type GateResult, isRejection } from "./gate.ts";

/** As producers are answered. */
export type IngestResult = Omit<PublishResult, "unchangedAt">;

/** Where events go, and what is noted of them. */
interface Way {
  readonly publish: Engine["publish"];
  readonly counts: EventCounts;
  /** When their request was here as a whole, on the system clock's `monotonicMs`. */
  readonly arrivedAtMs: number;
}

/**
 * Publishes what the gate let through and answers for the whole list: rejections of the gate and of the engine
 * together, each at its position in `results`, in order. Nothing let through: the engine isn't asked.
 * Throws what `publish` throws.
 */
export async function publishAdmitted(
  results: readonly GateResult[],
  { publish, counts, arrivedAtMs }: Way,
): Promise<IngestResult> {
  const events: DomainEvent[] = [];
  const positions: number[] = [];
  const rejected: Rejection[] = [];
  results.forEach((result, index) => {
    if (isRejection(result)) {
      const { id, code, message } = result;
      rejected.push({ index, id, code, message });
      counts.count(result.eventType, code);
    } else {
      events.push(result);
      positions.push(index);
    }
  });
  if (events.length === 0) return { accepted: 0, unchanged: 0, rejected };
  const published = await publish(events);
  count(events, published, counts);
  const ageMs = systemClock.monotonicMs() - arrivedAtMs;
  counts.age.observe(ageMs / 1_000, events.length - published.rejected.length);
  for (const rejection of published.rejected) {
    rejected.push({ ...rejection, index: positions[rejection.index] ?? rejection.index });
  }
  rejected.sort((a, b) => a.index - b.index);
  return { accepted: published.accepted, unchanged: published.unchanged, rejected };
}

function count(events: readonly DomainEvent[], published: PublishResult, counts: EventCounts): void {
  const others = new Map<number, string>();
  for (const index of published.unchangedAt) others.set(index, "unchanged");
  for (const { index, code } of published.rejected) others.set(index, code);
  const isPlain = others.size === 0;
  events.forEach(({ type }, index) => {
    counts.count(type, isPlain ? "accepted" : (others.get(index) ?? "accepted"));
  });
}
