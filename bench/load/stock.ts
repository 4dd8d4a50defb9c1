import { EventSource } from "eventsource";
import { io } from "socket.io-client";
import { WebSocket } from "ws";
import type { Transport } from "../transports.ts";
import type { Received } from "./audit.ts";
import type { Destination } from "./connection.ts";
import { type Open, STREAM_PATH, WEBSOCKET_PATH, type WireHandler, type WireOptions } from "./wire.ts";

// The clients that people use, as canaries beside the frame-level ones: what these see must be what those see. They come
// back when they are told, as the others, so that one rule says when that is.

const SSE_TYPES = [
  ...["upload_started", "upload_progress", "upload_completed", "upload_failed"],
  ...["job_progress", "job_completed", "synced", "reconnect", "token_expiring"],
];

const openSocketIo: Open = ({ destination, token, lastEventId }, handler) => {
  const report = once(handler);
  const socket = io(originOf(destination), {
    path: `${destination.basePath}${WEBSOCKET_PATH}`,
    auth: lastEventId === null ? { token } : { token, lastEventId },
    forceNew: true,
    reconnection: false,
  });
  socket.onAny((_type: string, message: Received) => handler.message(message));
  socket.on("connect_error", (error) => report(error.message));
  socket.on("disconnect", (reason) => report(reason));
  const destroy = () => {
    report.silence();
    socket.disconnect();
  };
  return { destroy, reset: destroy, pace: () => undefined };
};

const openWebSocket: Open = (options, handler) => {
  const report = once(handler);
  const socket = new WebSocket(urlOf(options, WEBSOCKET_PATH).replace(/^http/, "ws"), {
    perMessageDeflate: false,
  });
  socket.on("message", (data) => handler.message(JSON.parse(String(data))));
  socket.on("error", (error) => report(error.message));
  socket.on("close", (code) => report(`closed with ${code}`));
  const destroy = () => {
    report.silence();
    socket.terminate();
  };
  return { destroy, reset: destroy, pace: () => undefined };
};

const openSse: Open = (options, handler) => {
  const report = once(handler);
  const source = new EventSource(urlOf(options, STREAM_PATH));
  for (const type of SSE_TYPES) {
    source.addEventListener(type, (event: MessageEvent) => handler.message(JSON.parse(String(event.data))));
  }
  source.addEventListener("error", (event) => {
    source.close();
    report(event.message ?? "the stream ended");
  });
  const destroy = () => {
    report.silence();
    source.close();
  };
  return { destroy, reset: destroy, pace: () => undefined };
};

export const STOCK: Readonly<Record<Transport, Open>> = {
  socketio: openSocketIo,
  websocket: openWebSocket,
  sse: openSse,
};

function originOf({ authority, isTls }: Destination): string {
  return `${isTls ? "https" : "http"}://${authority}`;
}

function urlOf({ destination, token, lastEventId }: WireOptions, path: string): string {
  const url = new URL(`${originOf(destination)}${destination.basePath}${path}`);
  url.searchParams.set("access_token", token);
  if (lastEventId !== null) url.searchParams.set("lastEventId", lastEventId);
  return url.href;
}

/** The first reason alone is told; none after `silence`. */
function once(handler: WireHandler): ((reason: string) => void) & { silence(): void } {
  let isOver = false;
  const report = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    handler.closed(reason);
  };
  return Object.assign(report, {
    silence() {
      isOver = true;
    },
  });
}
