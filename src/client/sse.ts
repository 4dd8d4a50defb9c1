import { createParser } from "eventsource-parser";
import { messageOf } from "../message-of.ts";
import type { Line, Opening, Transport } from "./transport.ts";
import { addressAt, endingOfResponse, followed } from "./transport.ts";

/** Server-sent events by `fetch`: EventSource can send no header, and gives up for good on a 502. */
export function sseTransport(fetch: typeof globalThis.fetch): Transport {
  return followed((opening, line, signal) => follow(fetch, opening, line, signal));
}

async function follow(
  fetch: typeof globalThis.fetch,
  { url, token, jobId, lastEventId }: Opening,
  line: Line,
  signal: AbortSignal,
): Promise<void> {
  const address = addressAt(url, pathOf(jobId));
  let retryMs: number | null = null;
  let hasBegun = false;
  try {
    const response = await fetch(address, {
      headers: {
        accept: "text/event-stream",
        authorization: `Bearer ${token}`,
        ...(lastEventId !== null && { "last-event-id": lastEventId }),
      },
      signal,
    });
    // The job has ended, and all of it was told.
    if (response.status === 204) return line.ended({ kind: "over", reason: "job_ended" });
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (response.status !== 200 || !isStream || response.body === null) {
      const ending = await endingOfResponse(response);
      if (!signal.aborted) line.ended(ending);
      return;
    }
    const parser = createParser({
      onEvent: ({ data }) => {
        hasBegun = true;
        line.message(data);
      },
      // The hub's heartbeat.
      onComment: () => line.message('{"type":"heartbeat"}'),
      onRetry: (ms) => {
        retryMs = ms;
      },
    });
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) break;
      line.heard();
      parser.feed(decoder.decode(value, { stream: true }));
    }
  } catch (error) {
    if (signal.aborted) return;
    const reason = messageOf(error);
    return line.ended(hasBegun ? { kind: "lost", reason, afterMs: null } : { kind: "blocked", reason });
  }
  if (signal.aborted) return;
  // A stream that ends before it began is how the hub refuses one for now.
  line.ended({ kind: "lost", reason: hasBegun ? "stream_ended" : "refused", afterMs: retryMs });
}

export function pathOf(jobId: string | null): string {
  const base = "/api/v1/upload-progress";
  return jobId === null ? base : `${base}/${encodeURIComponent(jobId)}`;
}
