import { setImmediate as turn, setTimeout as wait } from "node:timers/promises";
import type { Sent } from "./delivery.ts";
import type { CloudEvent } from "./event.ts";
import { type Pace, pacerOf } from "./pace.ts";
import type { Sink, SinkAnswer } from "./sink.ts";

/** What has happened so far; grows while the run goes on. */
export interface Totals {
  sent: number;
  accepted: number;
  unchanged: number;
  rejected: number;
  /** Batches that were sent again. */
  retries: number;
  /** Of the simulated clock, the newest event's. */
  simulatedMs: number;
  readonly rejectedByCode: Map<string, number>;
}

export interface Run {
  readonly events: { next(): Sent | null };
  readonly sink: Sink;
  readonly pace: Pace;
  /** Aborts the run; what is on its way is given up. */
  readonly signal: AbortSignal;
  /** Kept up to date while the run goes on. */
  readonly totals: Totals;
}

const TICK_MS = 20;
const MAX_BATCH = 1_000;
/** Batches of one publisher that wait for an answer. */
const MAX_IN_FLIGHT = 4;

export function newTotals(): Totals {
  return {
    ...{ sent: 0, accepted: 0, unchanged: 0, rejected: 0, retries: 0, simulatedMs: 0 },
    rejectedByCode: new Map(),
  };
}

/** Sends the events at their pace; resolves at their end or when aborted. Throws an `IngestError`. */
export async function runEvents({ events, sink, pace, signal, totals }: Run): Promise<void> {
  const failed = new AbortController();
  const anyEnd = AbortSignal.any([signal, failed.signal]);
  const publishers = new Map<number, Set<Promise<void>>>();
  let failure: unknown = null;
  const send = async (batch: readonly CloudEvent[]): Promise<void> => {
    try {
      const answer = await sink.send(batch, anyEnd);
      if (answer !== null) count(totals, batch.length, answer);
    } catch (error) {
      failure ??= error;
      failed.abort();
    }
  };
  const inFlightOf = (publisher: number): Set<Promise<void>> => {
    const inFlight = publishers.get(publisher) ?? new Set();
    publishers.set(publisher, inFlight);
    return inFlight;
  };

  const pacer = pacerOf(pace, () => performance.now());
  let next = events.next();
  while (next !== null && !anyEnd.aborted) {
    const batches = new Map<number, CloudEvent[]>();
    let taken = 0;
    for (; next !== null && taken < MAX_BATCH && pacer.allows(next.atMs); next = events.next()) {
      pacer.sent();
      taken += 1;
      totals.simulatedMs = next.atMs;
      const batch = batches.get(next.publisher);
      if (batch === undefined) batches.set(next.publisher, [next.event]);
      else batch.push(next.event);
    }
    for (const [publisher, batch] of batches) {
      const inFlight = inFlightOf(publisher);
      if (inFlight.size >= MAX_IN_FLIGHT) await Promise.race(inFlight);
      const sending: Promise<void> = send(batch).finally(() => inFlight.delete(sending));
      inFlight.add(sending);
    }
    // A sink that takes all at once must not keep out those who want to stop it.
    if (taken === MAX_BATCH) await turn();
    else if (next !== null) await wait(TICK_MS, undefined, { signal: anyEnd }).catch(() => undefined);
  }
  await Promise.all([...publishers.values()].flatMap((inFlight) => [...inFlight]));
  if (failure !== null) throw failure;
}

function count(totals: Totals, sent: number, { accepted, unchanged, rejected }: SinkAnswer): void {
  totals.sent += sent;
  totals.accepted += accepted;
  totals.unchanged += unchanged;
  totals.rejected += rejected.length;
  for (const { code } of rejected)
    totals.rejectedByCode.set(code, (totals.rejectedByCode.get(code) ?? 0) + 1);
}
