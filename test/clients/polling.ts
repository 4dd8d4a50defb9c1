import { setTimeout as sleep } from "node:timers/promises";
import { createRecorder, type Watcher, type WatchOptions } from "./watcher.ts";

/** Faster than `pollAfterMs` asks for, so that tests see progress in between. */
const POLL_EVERY_MS = 50;

/** JSON polling with `fetch`: a snapshot, then `since` the last head; `ended` when a one-job poll says null. */
export function watchPolling(options: WatchOptions): Watcher {
  const stop = new AbortController();
  const recorder = createRecorder("polling", options, () => stop.abort());
  const path = `/api/v1/upload-progress${options.jobId === undefined ? "" : `/${encodeURIComponent(options.jobId)}`}`;

  const poll = async (): Promise<boolean> => {
    const url = new URL(path, options.publicUrl);
    const since = recorder.watcher.lastId;
    if (since !== null) url.searchParams.set("since", since);
    const response = await fetch(url, {
      headers: { accept: "application/json", authorization: `Bearer ${options.token}` },
      signal: stop.signal,
    });
    const body: unknown = await response.json();
    if (response.status === 200 && isAnswer(body)) {
      recorder.connected();
      for (const message of body.messages) recorder.take(JSON.stringify(message), message);
      recorder.synced(body.id, since === null ? "snapshot" : "resumed");
      if (body.pollAfterMs !== null) return true;
      recorder.end(200, "the job has ended", true);
      return false;
    }
    const retry = [404, 429, 503].includes(response.status);
    recorder.end(response.status, JSON.stringify(body), !retry);
    return retry;
  };

  const run = async () => {
    while (await poll()) await sleep(POLL_EVERY_MS, undefined, { signal: stop.signal });
  };
  run().catch((error: unknown) => {
    if (!stop.signal.aborted) recorder.end("error", String(error), true);
  });
  return recorder.watcher;
}

interface PollAnswer {
  readonly id: string;
  readonly messages: readonly unknown[];
  readonly pollAfterMs: number | null;
}

function isAnswer(body: unknown): body is PollAnswer {
  return (
    typeof body === "object" &&
    body !== null &&
    "id" in body &&
    typeof body.id === "string" &&
    "messages" in body &&
    Array.isArray(body.messages) &&
    "pollAfterMs" in body
  );
}
