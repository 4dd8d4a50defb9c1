import { EventSource } from "eventsource";
import { CONTROL_TYPES, createRecorder, STATE_TYPES, type Watcher, type WatchOptions } from "./watcher.ts";

/** The stock EventSource with the token in the query; reconnects by itself, `ended` once it gave up (204). */
export function watchSse(options: WatchOptions): Watcher {
  const recorder = createRecorder("sse", options, () => source.close());
  const path = `/api/v1/upload-progress${options.jobId === undefined ? "" : `/${encodeURIComponent(options.jobId)}`}`;
  const url = new URL(path, options.publicUrl);
  url.searchParams.set("access_token", options.token);
  if (recorder.watcher.lastId !== null) url.searchParams.set("lastEventId", recorder.watcher.lastId);
  const source = new EventSource(url);
  source.addEventListener("open", () => recorder.connected());
  source.addEventListener("error", (event) => {
    const forGood = source.readyState === source.CLOSED;
    recorder.end(event.code ?? "error", event.message ?? "", forGood);
  });
  for (const type of [...STATE_TYPES, ...CONTROL_TYPES]) {
    source.addEventListener(type, (event: MessageEvent) => {
      const text = String(event.data);
      const parsed: unknown = JSON.parse(text);
      const ownId = typeof parsed === "object" && parsed !== null && "id" in parsed ? parsed.id : null;
      if (event.lastEventId !== "" && ownId !== null && event.lastEventId !== ownId) {
        throw new Error(`the id: line says ${event.lastEventId}, the message ${String(ownId)}`);
      }
      recorder.take(text, parsed, event.lastEventId === "" ? null : event.lastEventId);
    });
  }
  return recorder.watcher;
}
