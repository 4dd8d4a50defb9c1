import { setTimeout as wait } from "node:timers/promises";
import type { Client, ClientOptions } from "./client.ts";

const RETRY_MS = 300;

/** Long-polling with `fetch`, one request after the other. A refusal or a lost request counts as a disconnect. */
export function pollingClient({ publicUrl, token, record }: ClientOptions): Client {
  const stop = new AbortController();

  const poll = async (): Promise<void> => {
    const url = new URL("/api/v1/upload-progress", publicUrl);
    if (record.lastId !== null) url.searchParams.set("since", record.lastId);
    // The first answer of all, and after each that was lost, is wanted at once.
    if (record.isSynced) url.searchParams.set("wait", "25s");
    const headers = { accept: "application/json", authorization: `Bearer ${token}` };
    const response = await fetch(url, { headers, signal: stop.signal });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${response.status} ${text}`);
    record.opened();
    const body: unknown = JSON.parse(text);
    if (!isAnswer(body)) throw new Error(`no answer of a poll: ${text}`);
    for (const message of body.messages) record.take(message);
    record.synced(body.id);
  };

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await poll();
      } catch (error) {
        if (stop.signal.aborted) return;
        record.problems.push(String(error));
        record.closed(String(error));
        await wait(RETRY_MS);
      }
    }
  };
  void run();
  return {
    record,
    transport: () => "polling",
    close() {
      record.leave();
      stop.abort();
    },
  };
}

function isAnswer(body: unknown): body is { readonly id: string; readonly messages: readonly unknown[] } {
  return (
    typeof body === "object" &&
    body !== null &&
    "id" in body &&
    "messages" in body &&
    Array.isArray(body.messages)
  );
}
