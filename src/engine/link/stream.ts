import type { Socket } from "node:net";
import type { LinkMessage } from "./messages.ts";
import { Decoder, encode } from "./wire.ts";

export interface LinkStreamEvents<In extends LinkMessage> {
  message(message: In): void;
  /** The kernel has taken something. */
  drained(): void;
  /** Once; nothing comes after it. */
  closed(): void;
}

/** One end of a link. What is sent within one turn of the event loop leaves in one write. */
export class LinkStream<Out extends LinkMessage, In extends LinkMessage> {
  readonly #socket: Socket;
  readonly #events: LinkStreamEvents<In>;
  #batch = "";
  #isFlushQueued = false;

  /** `isIn`: whether a message is one that this side is sent. */
  constructor(socket: Socket, isIn: (message: LinkMessage) => message is In, events: LinkStreamEvents<In>) {
    this.#socket = socket;
    this.#events = events;
    const decoder = new Decoder((message) => {
      if (isIn(message)) events.message(message);
    });
    socket.on("data", (chunk: Buffer) => this.#take(decoder, chunk));
    // Its close follows.
    socket.on("error", () => {});
    socket.once("close", () => events.closed());
  }

  /** What waits here and in the socket, in bytes; characters where it is not encoded yet. */
  get queuedBytes(): number {
    return this.#batch.length + this.#socket.writableLength;
  }

  send(message: Out): void {
    this.#batch += encode(message);
    if (this.#isFlushQueued) return;
    this.#isFlushQueued = true;
    setImmediate(() => this.#flush());
  }

  close(): void {
    this.#socket.destroy();
  }

  #flush(): void {
    const batch = this.#batch;
    this.#batch = "";
    this.#isFlushQueued = false;
    if (!this.#socket.destroyed) this.#socket.write(batch, () => this.#events.drained());
  }

  #take(decoder: Decoder, chunk: Buffer): void {
    try {
      decoder.take(chunk);
    } catch {
      this.#socket.destroy();
    }
  }
}
