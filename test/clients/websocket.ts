import { WebSocket } from "ws";
import { createRecorder, type Watcher, type WatchOptions } from "./watcher.ts";

/** One native WebSocket with the token in the query. It does not come back by itself: use `continues`. */
export function watchWebSocket(options: WatchOptions): Watcher {
  const recorder = createRecorder("websocket", options, () => socket.terminate());
  const url = new URL("/ws/upload-progress", options.publicUrl);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("access_token", options.token);
  if (options.jobId !== undefined) url.searchParams.set("jobId", options.jobId);
  if (recorder.watcher.lastId !== null) url.searchParams.set("lastEventId", recorder.watcher.lastId);
  const socket = new WebSocket(url);
  socket.on("open", () => recorder.connected());
  socket.on("message", (data) => {
    const text = data.toString();
    recorder.take(text, JSON.parse(text));
  });
  socket.on("unexpected-response", (_request, response) => {
    recorder.end(response.statusCode ?? 0, "refused before the upgrade", true);
    response.destroy();
  });
  socket.on("error", (error) => recorder.end("error", error.message, true));
  socket.on("close", (code, reason) => recorder.end(code, reason.toString(), true));
  return recorder.watcher;
}
