import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { OutMessage } from "../engine/contract.ts";
import type { Control, Ending, Transport, TransportEvents } from "./transport.ts";

/** One JSON message a text frame; what is written together leaves in one system call. */
export class WebSocketTransport implements Transport {
  readonly kind = "websocket";
  readonly #client: WebSocket;
  /** The socket below the client, to cork it and to see what the kernel has not taken. */
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
    this.#socket.cork();
    const last = messages.length - 1;
    messages.forEach((message, index) => {
      if (index === last) this.#client.send(message.json, this.#onTaken);
      else this.#client.send(message.json);
    });
    this.#socket.uncork();
  }

  control(message: Control): void {
    this.#socket.cork();
    this.#client.send(JSON.stringify(message), this.#onTaken);
    // Browsers answer pings but can't see them, and see heartbeats but can't answer them.
    if (message.type === "heartbeat") this.#client.ping();
    this.#socket.uncork();
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
}
