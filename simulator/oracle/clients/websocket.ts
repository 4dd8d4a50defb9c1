import { WebSocket } from "ws";
import type { Client, ClientOptions } from "./client.ts";

const BACK_MS = { min: 100, spread: 400 };

/** A native WebSocket that comes back by itself with its last id: after the time of `reconnect`, else after 100 to 500 ms. */
export function webSocketClient({ publicUrl, token, record }: ClientOptions): Client {
  let socket = connect();
  let timer: NodeJS.Timeout | null = null;
  let isClosed = false;

  function connect(): WebSocket {
    const url = new URL("/ws/upload-progress", publicUrl.replace("http", "ws"));
    url.searchParams.set("access_token", token);
    if (record.jobId !== null) url.searchParams.set("jobId", record.jobId);
    if (record.lastId !== null) url.searchParams.set("lastEventId", record.lastId);
    const made = new WebSocket(url, { perMessageDeflate: false });
    made.on("open", () => record.opened());
    made.on("message", (data) => record.takeText(data.toString()));
    made.on("error", (error) => record.problems.push(error.message));
    // Also comes after a refused handshake, and after an error.
    made.on("close", (code) => {
      const afterMs = record.reconnectAfterMs ?? BACK_MS.min + Math.random() * BACK_MS.spread;
      record.closed(`closed ${code}`);
      if (isClosed) return;
      timer = setTimeout(() => {
        socket = connect();
      }, afterMs);
    });
    return made;
  }

  return {
    record,
    transport: () => "websocket",
    close() {
      isClosed = true;
      record.leave();
      if (timer !== null) clearTimeout(timer);
      socket.terminate();
    },
  };
}
