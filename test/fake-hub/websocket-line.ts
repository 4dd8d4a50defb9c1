import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { type Asked, bodyOf, type FakeLine } from "./line.ts";

const TEXT_FRAME = 0x81;
/** RFC 6455, section 5.2: the length follows in two bytes. */
const LENGTH_16 = 126;

const server = new WebSocketServer({
  noServer: true,
  handleProtocols: () => "progress-hub.v1",
  perMessageDeflate: false,
});

/** Taken with the first that is said. */
export function webSocketLine(asked: Asked, request: IncomingMessage, socket: Duplex): FakeLine {
  const heard: string[] = [];
  let taken: WebSocket | null = null;
  socket.on("error", () => undefined);
  const take = (): WebSocket => {
    if (taken !== null) return taken;
    let made: WebSocket | null = null;
    server.handleUpgrade(request, socket, Buffer.alloc(0), (webSocket) => {
      made = webSocket;
    });
    if (made === null) throw new Error("the WebSocket could not be taken");
    taken = made as WebSocket;
    taken.on("message", (data) => heard.push(String(data)));
    taken.on("error", () => undefined);
    return taken;
  };
  return {
    asked,
    heard,
    get isOver() {
      return socket.destroyed || socket.writableEnded || (taken !== null && taken.readyState !== taken.OPEN);
    },
    refuse(status, refusal = {}) {
      const [type, body] = bodyOf(refusal, status);
      const retry = refusal.retryAfter === undefined ? "" : `Retry-After: ${refusal.retryAfter}\r\n`;
      const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${type}\r\n${retry}`;
      socket.end(`${head}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
    },
    say(...messages) {
      for (const message of messages) take().send(JSON.stringify(message));
    },
    garble(text) {
      take().send(text);
    },
    cutWithin(message) {
      take();
      const text = Buffer.from(JSON.stringify(message).padEnd(LENGTH_16));
      const head = Buffer.from([TEXT_FRAME, LENGTH_16, text.length >> 8, text.length & 0xff]);
      socket.end(Buffer.concat([head, text.subarray(0, text.length / 2)]));
    },
    end(code = 1001, reason = "") {
      take().close(code, reason);
    },
    cut() {
      socket.destroy();
    },
  };
}
