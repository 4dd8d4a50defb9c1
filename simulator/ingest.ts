import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import type { CloudEvent } from "./job.ts";

export interface IngestAnswer {
  readonly accepted: number;
  readonly unchanged: number;
  readonly rejected: readonly { readonly code: string; readonly message: string }[];
}

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
  rejected: z.array(z.object({ code: z.string(), message: z.string() })),
});
const REQUEST_TIMEOUT_MS = 15_000;
/** A hub that restarts is back long before; one that is not has died. */
const GIVE_UP_MS = 20_000;
const MAX_RETRY_AFTER_MS = 30_000;

/**
 * Sends one batch until it is taken; events are idempotent, so that a repeated batch does no harm. Null: `signal`
 * aborted it. Throws an `IngestError`.
 */
export async function postEvents(
  target: IngestTarget,
  events: readonly CloudEvent[],
  signal: AbortSignal,
): Promise<IngestAnswer | null> {
  const body = JSON.stringify(events);
  let silentSinceMs = performance.now();
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const response = await send(target, body, signal);
    if (response instanceof Response) {
      silentSinceMs = performance.now();
      const text = await response.text().catch(() => "");
      if (response.status === 200 || response.status === 422) return readAnswer(text, target);
      if (response.status !== 503 && response.status !== 429) throw refusal(response.status, text, target);
      target.onRetry?.(`${response.status}`);
      await pause(retryAfterMs(response), signal);
    } else if (!signal.aborted) {
      if (performance.now() - silentSinceMs > GIVE_UP_MS) {
        throw new IngestError("unreachable", `${target.internalUrl} does not answer any more (${response})`);
      }
      target.onRetry?.(response);
      await pause(Math.random() * Math.min(2_000, 100 * 2 ** attempt), signal);
    }
  }
  return null;
}

/** The response, or in words why there is none. */
async function send(target: IngestTarget, body: string, signal: AbortSignal): Promise<Response | string> {
  try {
    return await fetch(`${target.internalUrl}/api/v1/events`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${target.ingestToken}`,
        "content-type": "application/cloudevents-batch+json",
      },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
  } catch (error) {
    const cause = z.object({ cause: z.object({ code: z.string() }) }).safeParse(error);
    return cause.success ? cause.data.cause.code : error instanceof Error ? error.message : String(error);
  }
}

function readAnswer(text: string, target: IngestTarget): IngestAnswer {
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

function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get("retry-after") ?? "1");
  return Number.isFinite(seconds) ? Math.min(MAX_RETRY_AFTER_MS, seconds * 1_000) : 1_000;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // An abort ends the loop above; here it only ends the wait.
  await wait(ms, undefined, { signal }).catch(() => undefined);
}
