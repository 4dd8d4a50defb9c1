import { io } from "socket.io-client";
import { createRecorder, type Watcher, type WatchOptions } from "./watcher.ts";

const PATH = "/ws/upload-progress";

/** The stock Socket.IO client: default options but for the path, reconnects by itself with the last id. */
export function watchSocketIo(options: WatchOptions): Watcher {
  const socket = io(options.publicUrl, {
    path: PATH,
    forceNew: true,
    autoConnect: false,
    ...(options.transports && { transports: [...options.transports] }),
    auth: (give) => {
      give({
        token: options.token,
        ...(options.jobId !== undefined && { jobId: options.jobId }),
        ...(recorder.watcher.lastId !== null && { lastEventId: recorder.watcher.lastId }),
      });
    },
  });
  const recorder = createRecorder("socketio", options, () => {
    // Without a packet of goodbye, as when a network goes away.
    socket.io.engine?.removeAllListeners();
    socket.io.engine?.close();
    socket.disconnect();
  });
  socket.on("connect", () => recorder.connected());
  socket.on("disconnect", (reason) => {
    recorder.end("disconnect", reason, !socket.active);
  });
  socket.on("connect_error", (error) => {
    recorder.end(codeOf(error), error.message, !socket.active);
  });
  socket.onAny((event: string, message: unknown) => {
    recorder.take(JSON.stringify(message), withType(event, message));
  });
  socket.connect();
  return recorder.watcher;
}

function withType(event: string, message: unknown): unknown {
  if (typeof message !== "object" || message === null) return { type: event };
  if ("type" in message && message.type !== event) {
    throw new Error(`Socket.IO event ${event} carries a message of type ${String(message.type)}`);
  }
  return { type: event, ...message };
}

function codeOf(error: Error): number | string {
  const data: unknown = "data" in error ? error.data : null;
  if (typeof data === "object" && data !== null && "code" in data) return String(data.code);
  const description: unknown = "description" in error ? error.description : null;
  return typeof description === "number" ? description : "connect_error";
}
