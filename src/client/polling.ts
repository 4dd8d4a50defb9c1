import { messageOf } from "../message-of.ts";
import { isSameEpoch } from "./messages.ts";
import { pathOf } from "./sse.ts";
import type { Line, Opening, Transport } from "./transport.ts";
import { addressAt, endingOfResponse, followed } from "./transport.ts";

/** The hub waits so long for news; proxies cut off what is silent for a minute. */
const WAIT = "25s";
const UNKNOWN_JOB_MS = 2_000;
/** An answer that holds nothing new after less than this was held by nobody. */
const HELD_MS = 1_000;

interface Answer {
  readonly id: string;
  readonly messages: readonly unknown[];
  readonly job?: unknown;
  readonly jobs?: readonly unknown[];
  readonly pollAfterMs: number | null;
}

/** Long-polling, one request after the other: what is left where no stream gets through. */
export function pollingTransport(fetch: typeof globalThis.fetch): Transport {
  return followed((opening, line, signal) => follow(fetch, opening, line, signal));
}

async function follow(
  fetch: typeof globalThis.fetch,
  { url, token, jobId, lastEventId }: Opening,
  line: Line,
  signal: AbortSignal,
): Promise<void> {
  let since = lastEventId;
  // The first answer is wanted at once: it says that the line is there.
  let isFirst = true;
  try {
    while (!signal.aborted) {
      const wait = since === null || isFirst ? null : WAIT;
      const headers = { accept: "application/json", authorization: `Bearer ${token}` };
      const askedAtMs = Date.now();
      const response = await fetch(addressAt(url, pathOf(jobId), { since, wait }), { headers, signal });
      if (response.status !== 200) {
        const ending = await endingOfResponse(response);
        if (signal.aborted) return;
        if (jobId === null || ending.reason !== "job_not_found") {
          line.ended(ending);
          return;
        }
        // Nobody has told of the job yet, or it was forgotten.
        line.heard();
        line.message(JSON.stringify({ type: "synced", mode: "snapshot" }));
        since = null;
        await pause(UNKNOWN_JOB_MS, signal);
        continue;
      }
      const answer = (await response.json()) as Answer;
      if (signal.aborted) return;
      line.heard();
      const mode = modeOf(response, since === null || !isSameEpoch(since, answer.id));
      for (const message of answer.messages) line.message(JSON.stringify(message));
      line.message(JSON.stringify({ type: "synced", mode, id: answer.id }));
      if (answer.pollAfterMs === null) return line.ended({ kind: "over", reason: "job_ended" });
      // A cache or a proxy answers at once: it would be asked again and again.
      const wasHeld = isFirst || answer.id !== since || Date.now() - askedAtMs >= HELD_MS;
      if (!wasHeld) await pause(answer.pollAfterMs, signal);
      since = answer.id;
      isFirst = false;
    }
  } catch (error) {
    if (signal.aborted) return;
    const reason = messageOf(error);
    line.ended(isFirst ? { kind: "blocked", reason } : { kind: "lost", reason, afterMs: null });
  }
}

/** A hub that is older than its header is known by the id alone; so is one behind a proxy that drops it. */
function modeOf({ headers }: Response, isAnew: boolean): "snapshot" | "resumed" {
  return headers.get("progress-hub-mode") === "snapshot" || isAnew ? "snapshot" : "resumed";
}

/** Resolves also where it is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
