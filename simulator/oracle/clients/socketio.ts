import type { Agent } from "node:http";
import { io, type ManagerOptions, type SocketOptions } from "socket.io-client";
import type { Client, ClientOptions } from "./client.ts";

export interface SocketIoOptions extends ClientOptions {
  /** Absent: the stock client's own default, long-polling first and then an upgrade. */
  readonly transports?: readonly ("polling" | "websocket")[];
  /** False: stays on long-polling, as behind a proxy that lets no upgrade through. */
  readonly upgrade?: boolean;
  /** Of all requests; absent: a connection for each, which is what the stock client does in Node. */
  readonly agent?: Agent;
}

/** The stock Socket.IO client, which comes back by itself. */
export function socketIoClient(options: SocketIoOptions): Client {
  const { publicUrl, token, record } = options;
  const settings: Partial<ManagerOptions & SocketOptions> = {
    path: "/ws/upload-progress",
    forceNew: true,
    autoConnect: false,
    auth: (give) => give({ token, ...(record.lastId !== null && { lastEventId: record.lastId }) }),
  };
  if (options.transports !== undefined) settings.transports = [...options.transports];
  if (options.upgrade === false) settings.upgrade = false;
  // In Node it takes an Agent, which its types, made for browsers, do not know.
  if (options.agent !== undefined) Reflect.set(settings, "agent", options.agent);
  const socket = io(publicUrl, settings);
  socket.on("connect", () => record.opened());
  socket.on("disconnect", (reason, details) => {
    if (details !== undefined) record.problems.push(`disconnect: ${reason} ${detailOf(details)}`);
    record.closed(reason);
    if (!socket.active) record.gaveUp = reason;
  });
  socket.on("connect_error", (error) => {
    record.problems.push(`connect_error: ${error.message} ${detailOf(error)}`);
    if (!socket.active) record.gaveUp = error.message;
  });
  socket.onAny((type: string, message: unknown) => {
    record.take(typeof message === "object" && message !== null ? { type, ...message } : { type });
  });
  socket.connect();
  return {
    record,
    transport: () => socket.io.engine?.transport.name ?? "none",
    close() {
      record.leave();
      socket.disconnect();
    },
  };
}

/** The HTTP status and the body behind a transport error of engine.io: `400 {"code":1,"message":"Session ID unknown"}`. */
function detailOf(error: object): string {
  const description = "description" in error ? error.description : "";
  const context = "context" in error ? error.context : null;
  const hasText = typeof context === "object" && context !== null && "responseText" in context;
  return `${String(description)} ${hasText ? String(context.responseText) : ""}`;
}
