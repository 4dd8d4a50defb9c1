import { WebSocket } from "k6/websockets";
import type { Arrivals } from "./arrivals.ts";

/** Something that is open until it is closed; a close that was asked for is none that counts. */
export interface Held {
  close(): void;
}

/** A text frame, when k6 read it from the network, and how to answer. */
export type OnText = (text: string, atUnixMs: number, send: (text: string) => void) => void;

const NORMAL = 1000;

/** `url` begins with `http`. */
export function openSocket(url: string, arrivals: Arrivals, onText: OnText): Held {
  const socket = new WebSocket(url.replace("http", "ws"));
  const send = (text: string) => socket.send(text);
  let asked = false;
  let failed = false;
  socket.addEventListener("message", (event) => {
    if ("data" in event && typeof event.data === "string") onText(event.data, event.timestamp, send);
  });
  socket.addEventListener("error", (event) => {
    failed = true;
    if (!asked) arrivals.error("error" in event ? event.error : "failed");
  });
  socket.addEventListener("close", (event) => {
    if (!asked && !failed)
      arrivals.closed("code" in event && typeof event.code === "number" ? event.code : 0);
  });
  return {
    close() {
      asked = true;
      socket.close(NORMAL);
    },
  };
}
