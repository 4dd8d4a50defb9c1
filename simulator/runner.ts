import { setTimeout as wait } from "node:timers/promises";
import { type IngestTarget, postEvents } from "./ingest.ts";
import type { CloudEvent } from "./job.ts";
import type { Workload } from "./workload.ts";

/** What has happened so far; grows while the run goes on. */
export interface Totals {
  sent: number;
  accepted: number;
  unchanged: number;
  rejected: number;
  /** Batches that were sent again. */
  retries: number;
  readonly rejectedByCode: Map<string, number>;
}

export interface Run {
  readonly workload: Workload;
  readonly target: IngestTarget;
  /** Events a second. */
  readonly rate: number;
  /** Aborts the run; what is on its way is given up. */
  readonly signal: AbortSignal;
  /** Kept up to date while the run goes on. */
  readonly totals: Totals;
}

const TICK_MS = 20;
const MAX_BATCH = 1_000;
const MAX_IN_FLIGHT = 4;

export function newTotals(): Totals {
  return { sent: 0, accepted: 0, unchanged: 0, rejected: 0, retries: 0, rejectedByCode: new Map() };
}

/** Sends the workload at a steady rate; resolves at its end or when aborted. Throws an `IngestError`. */
export async function runWorkload({ workload, target, rate, signal, totals }: Run): Promise<void> {
  const failed = new AbortController();
  const anyEnd = AbortSignal.any([signal, failed.signal]);
  const counting: IngestTarget = {
    ...target,
    onRetry: (reason) => {
      totals.retries += 1;
      target.onRetry?.(reason);
    },
  };
  const inFlight = new Set<Promise<void>>();
  let failure: unknown = null;
  const post = async (batch: readonly CloudEvent[]): Promise<void> => {
    try {
      const answer = await postEvents(counting, batch, anyEnd);
      if (answer !== null) count(totals, batch.length, answer);
    } catch (error) {
      failure ??= error;
      failed.abort();
    }
  };

  let lastMs = performance.now();
  let credit = 0;
  let drained = false;
  while (!drained && !anyEnd.aborted) {
    const nowMs = performance.now();
    // A hub that was slow for a while is not made to suffer for it by a burst afterwards.
    credit = Math.min(Math.max(1, rate), credit + ((nowMs - lastMs) * rate) / 1_000);
    lastMs = nowMs;
    const batch = take(workload, Math.min(MAX_BATCH, Math.floor(credit)));
    drained = batch.length < Math.min(MAX_BATCH, Math.floor(credit));
    credit -= batch.length;
    if (batch.length > 0) {
      const posting: Promise<void> = post(batch).finally(() => inFlight.delete(posting));
      inFlight.add(posting);
    }
    if (inFlight.size >= MAX_IN_FLIGHT) await Promise.race(inFlight);
    else if (credit < MAX_BATCH && !drained)
      await wait(TICK_MS, undefined, { signal: anyEnd }).catch(() => undefined);
  }
  await Promise.all(inFlight);
  if (failure !== null) throw failure;
}

/** Admits jobs while all their events fit, at `rate`, into what is left until `endMs` of the monotonic clock. */
export function fitsUntil(
  endMs: number,
  rate: number,
  pending: () => number,
): (eventCount: number) => boolean {
  return (eventCount) => ((pending() + eventCount) / rate) * 1_000 <= endMs - performance.now();
}

function take(workload: Workload, count: number): CloudEvent[] {
  const batch: CloudEvent[] = [];
  while (batch.length < count) {
    const next = workload.next();
    if (next === null) break;
    batch.push(next.event);
  }
  return batch;
}

function count(
  totals: Totals,
  sent: number,
  {
    accepted,
    unchanged,
    rejected,
  }: { accepted: number; unchanged: number; rejected: readonly { code: string }[] },
): void {
  totals.sent += sent;
  totals.accepted += accepted;
  totals.unchanged += unchanged;
  totals.rejected += rejected.length;
  for (const { code } of rejected)
    totals.rejectedByCode.set(code, (totals.rejectedByCode.get(code) ?? 0) + 1);
}
