import { asyncRequest } from "k6/http";
import { setTimeout } from "k6/timers";
import type { Arrivals } from "./arrivals.ts";
import type { Held } from "./socket.ts";

const PATH = "/api/v1/upload-progress";
const MAX_WAIT_MS = 25_000;
/** How much later than asked for an answer is none. */
const LATE_MS = 10_000;
const AFTER_ERROR_MS = 1_000;

interface Answer {
  readonly id: string;
  readonly messages: readonly unknown[];
}

/** Long-polling until the end: a snapshot, then what is newer than the last head, as soon as there is something. */
export function openPolling(publicUrl: string, token: string, arrivals: Arrivals, endUnixMs: number): Held {
  const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
  let since: string | null = null;
  let closed = false;

  const poll = async (): Promise<void> => {
    const waitMs = since === null ? 0 : Math.min(MAX_WAIT_MS, Math.max(0, endUnixMs - Date.now()));
    const query = since === null ? "" : `?since=${since}&wait=${waitMs}ms`;
    const params = { headers, timeout: waitMs + LATE_MS };
    const response = await asyncRequest("GET", publicUrl + PATH + query, null, params);
    const atUnixMs = Date.now();
    if (response.status !== 200 || typeof response.body !== "string") {
      if (closed) return;
      arrivals.error(response.error === "" ? `answered ${response.status}` : response.error);
      await new Promise<void>((resolve) => setTimeout(resolve, AFTER_ERROR_MS));
      return;
    }
    const answer: Answer = JSON.parse(response.body);
    for (const message of answer.messages) arrivals.message(message, atUnixMs);
    since = answer.id;
    arrivals.synced();
  };

  const run = async () => {
    while (!closed) await poll();
  };
  run().catch((error: unknown) => arrivals.error(String(error)));
  return {
    close() {
      closed = true;
    },
  };
}
