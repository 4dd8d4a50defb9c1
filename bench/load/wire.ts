import { randomBytes } from "node:crypto";
import type { Transport } from "../transports.ts";
import type { Received } from "./audit.ts";
import { Connection, type Destination, type Pace } from "./connection.ts";
import { EventStreamReader } from "./event-stream.ts";
import { FrameReader, pongFrame, textFrame } from "./frames.ts";

// The three ways of a client, down to the bytes: ten thousand stock clients would measure the clients.

export interface WireHandler {
  message(message: Received): void;
  /** Once. Null: the server ended it as it should. */
  closed(reason: string | null): void;
}

export interface WireOptions {
  readonly destination: Destination;
  readonly token: string;
  /** Null: from the beginning. */
  readonly lastEventId: string | null;
  /** It may be told to read slowly. */
  readonly isSlow: boolean;
}

/** What a client holds in its hand while it is connected. */
export interface Wire {
  /** Ends it at once, without a word to the server. `closed` is not called. */
  destroy(): void;
  /** Ends it at once with a reset, as far as it can. `closed` is not called. */
  reset(): void;
  /** How fast it reads from here on; stock clients know no other than full. */
  pace(pace: Pace): void;
}

export type Open = (options: WireOptions, handler: WireHandler) => Wire;

export const WEBSOCKET_PATH = "/ws/upload-progress";
export const STREAM_PATH = "/api/v1/upload-progress";
const SWITCHING = 101;

function upgradeRequest({ destination }: WireOptions, target: string): string {
  const key = randomBytes(16).toString("base64");
  return requestText(destination, target, [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`,
  ]);
}

function requestText(
  { basePath, authority }: Destination,
  target: string,
  headers: readonly string[],
): string {
  return [`GET ${basePath}${target} HTTP/1.1`, `Host: ${authority}`, ...headers, "", ""].join("\r\n");
}

/** A refused client's answer, in a few words: the status and the code of the problem are in it. */
function refusal(status: number, head: string): Error {
  return new Error(`answered ${status || head.slice(0, 60)}`);
}

const openWebSocket: Open = (options, handler) => {
  const resume = options.lastEventId === null ? "" : `&lastEventId=${options.lastEventId}`;
  const target = `${WEBSOCKET_PATH}?access_token=${options.token}${resume}`;
  return openFrames(options, target, handler, (text) => handler.message(JSON.parse(text)));
};

const openSocketIo: Open = (options, handler) => {
  const { token, lastEventId } = options;
  const auth = JSON.stringify(lastEventId === null ? { token } : { token, lastEventId });
  const connection = openFrames(options, `${WEBSOCKET_PATH}/?EIO=4&transport=websocket`, handler, (text) => {
    // engine.io's packet type, then for a message (4) Socket.IO's: 0 connect, 1 disconnect, 2 event, 4 refused.
    if (text.startsWith("42[")) handler.message(JSON.parse(text.slice(text.indexOf(",") + 1, -1)));
    else if (text.startsWith("0")) connection.write(textFrame(`40${auth}`));
    else if (text === "2") connection.write(textFrame("3"));
    else if (text.startsWith("44")) throw new Error(`refused ${text.slice(2)}`);
    else if (text.startsWith("41")) throw new Error("disconnected by the server");
  });
  return connection;
};

function openFrames(
  options: WireOptions,
  target: string,
  handler: WireHandler,
  onText: (text: string) => void,
): Connection {
  const frames = new FrameReader({
    text: onText,
    ping: (payload) => connection.write(pongFrame(payload)),
    close: (code) => {
      throw new Error(`closed with ${code}`);
    },
  });
  const connection = new Connection(options, upgradeRequest(options, target), {
    answered(status, head) {
      if (status !== SWITCHING) throw refusal(status, head);
    },
    bytes: (bytes) => frames.take(bytes),
    closed: (reason) => handler.closed(reason ?? "ended without a close frame"),
  });
  return connection;
}

const openSse: Open = (options, handler) => {
  const { destination, token, lastEventId } = options;
  const headers = ["Accept: text/event-stream", `Authorization: Bearer ${token}`];
  if (lastEventId !== null) headers.push(`Last-Event-ID: ${lastEventId}`);
  let isEnded = false;
  const stream = new EventStreamReader({
    event: (data) => handler.message(JSON.parse(data)),
    end: () => {
      isEnded = true;
    },
  });
  return new Connection(options, requestText(destination, STREAM_PATH, headers), {
    answered(status, head) {
      if (status !== 200) throw refusal(status, head);
    },
    bytes: (bytes) => stream.take(bytes),
    closed: (reason) => handler.closed(isEnded ? null : (reason ?? "the stream was cut")),
  });
};

export const FRAME_LEVEL: Readonly<Record<Transport, Open>> = {
  socketio: openSocketIo,
  websocket: openWebSocket,
  sse: openSse,
};
