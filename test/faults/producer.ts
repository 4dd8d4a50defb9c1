import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import type { Oracle, SentEvent } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { INGEST_TOKEN } from "./cluster.ts";
import { endlessJobs } from "./jobs.ts";

export interface ProducerOptions {
  readonly internalUrl: string;
  readonly oracle: Oracle;
  /** Events a second. */
  readonly rate: number;
  readonly users: number;
  /** How long it waits after a refusal; absent: 100 ms. */
  readonly retryMs?: number;
}

export interface Producer {
  /** Events that were acknowledged. */
  readonly acknowledged: number;
  /** Events that the hub rejected: there must be none. */
  readonly rejected: readonly string[];
  /** Requests that were answered 503 or not at all, and sent again. */
  readonly retries: number;
  /** The longest that a request took to be answered or refused. */
  readonly slowestMs: number;
  /** Makes no more events, and waits until all that were made are acknowledged. */
  finish(deadlineMs?: number): Promise<void>;
  /** Makes no more, and gives up what is not acknowledged. */
  abandon(): void;
}

const TICK_MS = 20;
/** Batches that wait for an answer; beyond it a producer makes no more, as one with a bounded queue would. */
const MAX_WAITING = 100;
const RETRY_MS = 100;
const REQUEST_TIMEOUT_MS = 15_000;

const answerSchema = z.object({
  rejected: z.array(z.object({ index: z.number(), code: z.string(), message: z.string() })),
});

const producers = new Set<Producer>();
let made = 0;

/** For `afterEach`. */
export function abandonProducers(): void {
  for (const producer of producers) producer.abandon();
  producers.clear();
}

/** Sends at a steady rate; what is refused or lost is sent again, with the same ids, until it is acknowledged. */
export function startProducer(options: ProducerOptions): Producer {
  const { internalUrl, oracle, rate, users, retryMs = RETRY_MS } = options;
  made += 1;
  const events = endlessJobs(users, `job-${made}`);
  const stop = new AbortController();
  const rejected: string[] = [];
  const waiting = new Set<Promise<void>>();
  let [acknowledged, retries, slowestMs] = [0, 0, 0];

  const deliver = async (batch: readonly SentEvent[]): Promise<void> => {
    while (!stop.signal.aborted) {
      const { generation } = oracle;
      const beganMs = performance.now();
      const refused = await post(internalUrl, batch, stop.signal).catch(() => null);
      if (stop.signal.aborted) return;
      slowestMs = Math.max(slowestMs, performance.now() - beganMs);
      if (refused !== null) {
        for (const [index, event] of batch.entries()) {
          const reason = refused.get(index);
          if (reason === undefined) oracle.acknowledged(event, generation);
          else rejected.push(`${event.id}: ${reason}`);
        }
        acknowledged += batch.length;
        return;
      }
      retries += 1;
      await wait(retryMs);
    }
  };

  let lastMs = performance.now();
  let credit = 0;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    credit = Math.min(rate / 5, credit + ((nowMs - lastMs) * rate) / 1_000);
    lastMs = nowMs;
    if (waiting.size >= MAX_WAITING || credit < 1) return;
    const batch = Array.from({ length: Math.floor(credit) }, () => events.next().value);
    credit -= batch.length;
    for (const event of batch) oracle.published(event);
    const delivery: Promise<void> = deliver(batch).finally(() => waiting.delete(delivery));
    waiting.add(delivery);
  }, TICK_MS);

  const producer: Producer = {
    get acknowledged() {
      return acknowledged;
    },
    get retries() {
      return retries;
    },
    get slowestMs() {
      return slowestMs;
    },
    rejected,
    async finish(deadlineMs = 20_000) {
      clearInterval(timer);
      await until(
        () => waiting.size === 0,
        "all events are acknowledged",
        deadlineMs,
        () => `${waiting.size} batches are left, ${retries} retries`,
      );
    },
    abandon() {
      clearInterval(timer);
      stop.abort();
    },
  };
  producers.add(producer);
  return producer;
}

/** The rejected ones by index, each with its reason; null: refused as a whole, to be sent again. */
export async function post(
  internalUrl: string,
  batch: readonly SentEvent[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, string> | null> {
  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const response = await fetch(`${internalUrl}/api/v1/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${INGEST_TOKEN}`,
      "content-type": "application/cloudevents-batch+json",
    },
    body: JSON.stringify(batch.map((event) => ({ specversion: "1.0", source: "/faults", ...event }))),
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  });
  const text = await response.text();
  if (response.status !== 200 && response.status !== 422) return null;
  const answer = answerSchema.parse(JSON.parse(text));
  return new Map(answer.rejected.map(({ index, code, message }) => [index, `${code} ${message}`]));
}
