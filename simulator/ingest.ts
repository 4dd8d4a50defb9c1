import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { type Backoff, fullJitterMs } from "../src/backoff.ts";
import { messageOf } from "../src/message-of.ts";
import { retryAfterMs } from "../src/publisher/retry-after.ts";
import type { CloudEvent } from "./event.ts";
import { jsonOf } from "./event.ts";
import type { Sink, SinkAnswer } from "./sink.ts";

/** `unauthorized`: the ingest token is wrong. `unreachable`: nobody answers. `refused`: an answer that no retry mends. */
export class IngestError extends Error {
  override readonly name = "IngestError";
  readonly kind: "unauthorized" | "unreachable" | "refused";

  constructor(kind: IngestError["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

export interface IngestTarget {
  /** Base of the internal listener. */
  readonly internalUrl: string;
  readonly ingestToken: string;
  /** Called before a batch is sent again. */
  readonly onRetry?: (reason: string) => void;
}

const answerSchema = z.object({
  accepted: z.number(),
  unchanged: z.number(),
  rejected: z.array(z.object({ index: z.number(), code: z.string(), message: z.string() })),
});
const REQUEST_TIMEOUT_MS = 15_000;
/** A hub that restarts is back long before; one that is not has died. */
const GIVE_UP_MS = 20_000;
const MAX_RETRY_AFTER_MS = 30_000;
const DEFAULT_RETRY_AFTER_MS = 1_000;
const backoff: Backoff = { minMs: 100, maxMs: 2_000 };

/** To the internal listener of a hub. */
export function httpSink(target: IngestTarget): Sink {
  return { name: target.internalUrl, send: (events, signal) => postEvents(target, events, signal) };
}

/**
 * Sends one batch until it is taken; events are idempotent, so that a repeated batch does no harm. Null: `signal`
 * aborted it. Throws an `IngestError`.
 */
export async function postEvents(
  target: IngestTarget,
  events: readonly CloudEvent[],
  signal: AbortSignal,
): Promise<SinkAnswer | null> {
  const body = `[${events.map(jsonOf).join(",")}]`;
  let silentSinceMs = performance.now();
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const response = await send(target, body, signal);
    if (typeof response !== "string") {
      const { status, text, retryAfter } = response;
      silentSinceMs = performance.now();
      if (status === 200 || status === 422) return readAnswer(text, target);
      if (status !== 503 && status !== 429) throw refusal(status, text, target);
      target.onRetry?.(`${status}`);
      const afterMs = retryAfterMs(retryAfter, Date.now()) ?? DEFAULT_RETRY_AFTER_MS;
      await pause(Math.min(MAX_RETRY_AFTER_MS, afterMs), signal);
    } else if (!signal.aborted) {
      if (performance.now() - silentSinceMs > GIVE_UP_MS) {
        throw new IngestError("unreachable", `${target.internalUrl} does not answer any more (${response})`);
      }
      target.onRetry?.(response);
      await pause(fullJitterMs(attempt + 1, backoff, Math.random()), signal);
    }
  }
  return null;
}

interface Received {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | null;
}

/** What was answered, or in words why nothing was. */
async function send(target: IngestTarget, body: string, signal: AbortSignal): Promise<Received | string> {
  // Not AbortSignal.any: on Node 20 each use of it leaves a trace in a signal that lives on.
  const request = new AbortController();
  const stop = () => request.abort();
  signal.addEventListener("abort", stop);
  const timer = setTimeout(() => {
    request.abort(new Error(`no answer within ${REQUEST_TIMEOUT_MS} ms`));
  }, REQUEST_TIMEOUT_MS);
  try {
    const response = await fetch(`${target.internalUrl}/api/v1/events`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${target.ingestToken}`,
        "content-type": "application/cloudevents-batch+json",
      },
      body,
      signal: request.signal,
    });
    const text = await response.text();
    return { status: response.status, text, retryAfter: response.headers.get("retry-after") };
  } catch (error) {
    const cause = z.object({ cause: z.object({ code: z.string() }) }).safeParse(error);
    return cause.success ? cause.data.cause.code : messageOf(error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

function readAnswer(text: string, target: IngestTarget): SinkAnswer {
  try {
    return answerSchema.parse(JSON.parse(text));
  } catch {
    throw new IngestError("refused", `${target.internalUrl} does not answer like a hub's internal listener`);
  }
}

function refusal(status: number, text: string, { internalUrl }: IngestTarget): IngestError {
  if (status === 401) return new IngestError("unauthorized", `${internalUrl} refused the ingest token`);
  return new IngestError("refused", `${internalUrl} answered ${status}: ${text.slice(0, 300)}`);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // An abort ends the loop above; here it only ends the wait.
  await wait(ms, undefined, { signal }).catch(() => undefined);
}
