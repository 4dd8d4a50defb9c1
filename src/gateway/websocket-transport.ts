import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import type { OutMessage } from "../engine/contract.ts";
import { asciiFrame, framedOnce, PING_FRAME } from "./frames.ts";
import type { Control, Ending, Transport, TransportEvents } from "./transport.ts";
import { type WireChunk, writeChunk } from "./wire-chunk.ts";

const framesOf = framedOnce(({ json }) => json);
/** Browsers answer pings but can't see them, and see heartbeats but can't answer them. */
const HEARTBEAT = asciiFrame(JSON.stringify({ type: "heartbeat" })) + PING_FRAME;

/** One JSON message a text frame; what is written together leaves in one system call. */
export class WebSocketTransport implements Transport {
  readonly kind = "websocket";
  readonly #client: WebSocket;
  /** The socket below the client, to write to it and to see what the kernel has not taken. */
  readonly #socket: Duplex;
  #onTaken: () => void = () => {};

  constructor(client: WebSocket, socket: Duplex) {
    this.#client = client;
    this.#socket = socket;
  }

  carry(events: TransportEvents): void {
    this.#onTaken = () => events.drained();
    this.#client.on("close", () => events.closed());
  }

  write(messages: readonly OutMessage[]): void {
    this.#write(framesOf(messages));
  }

  control(message: Control): void {
    this.#write(message.type === "heartbeat" ? HEARTBEAT : asciiFrame(JSON.stringify(message)));
  }

  bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  end(ending: Ending): void {
    if (ending.afterMs !== null) this.control({ type: "reconnect", afterMs: ending.afterMs });
    this.#client.close(ending.closeCode ?? 1000, ending.reason);
  }

  terminate(): void {
    this.#client.terminate();
  }

  /** Not through `send`: without compression ws writes frames as they come, so these take their place in order. */
  #write(chunk: WireChunk): void {
    if (this.#client.readyState === WebSocket.OPEN) writeChunk(this.#socket, chunk, this.#onTaken);
  }
}
