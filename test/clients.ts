import { watchPolling } from "./clients/polling.ts";
import { watchSocketIo } from "./clients/socketio.ts";
import { watchSse } from "./clients/sse.ts";
import { watchWebSocket } from "./clients/websocket.ts";

export type { WatchedMessage, Watcher, WatcherKind } from "./clients/watcher.ts";
export { keyOf } from "./clients/watcher.ts";

/** The four stock ways to watch, each recording what it gets: `watchers.sse({publicUrl, token, jobId})`. */
export const watchers = {
  socketio: watchSocketIo,
  websocket: watchWebSocket,
  sse: watchSse,
  polling: watchPolling,
} as const;
