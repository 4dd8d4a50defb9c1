import type { DomainEvent } from "../domain/events.ts";
import type { Engine, PublishResult, Rejection } from "../engine/contract.ts";
import { type GateResult, isRejection } from "./gate.ts";

/**
 * Publishes what the gate let through and answers for the whole list: rejections of the gate and of the engine
 * together, each at its position in `results`, in order. Nothing let through: the engine isn't asked.
 * Throws what `publish` throws.
 */
export async function publishAdmitted(
  results: readonly GateResult[],
  publish: Engine["publish"],
): Promise<PublishResult> {
  const events: DomainEvent[] = [];
  const positions: number[] = [];
  const rejected: Rejection[] = [];
  results.forEach((result, index) => {
    if (isRejection(result)) {
      rejected.push({ index, ...result });
    } else {
      events.push(result);
      positions.push(index);
    }
  });
  if (events.length === 0) return { accepted: 0, unchanged: 0, rejected };
  const published = await publish(events);
  for (const rejection of published.rejected) {
    rejected.push({ ...rejection, index: positions[rejection.index] ?? rejection.index });
  }
  rejected.sort((a, b) => a.index - b.index);
  return { accepted: published.accepted, unchanged: published.unchanged, rejected };
}
