import type { ServerResponse } from "node:http";
import type { OutMessage } from "../engine/contract.ts";
import { madeForLast } from "./made-for-last.ts";
import { SseSession } from "./sse-session.ts";
import { type Control, type Ending, spread, type Transport, type TransportEvents } from "./transport.ts";
import { type WireChunk, wrappedBytes } from "./wire-chunk.ts";

const blockOf = ({ id, type, json }: OutMessage) => `id: ${id}\nevent: ${type}\ndata: ${json}\n\n`;
const chunkOf = madeForLast((messages: readonly OutMessage[]) => {
  let text = "";
  let bytes = 0;
  for (const message of messages) {
    const block = blockOf(message);
    text += block;
    bytes += wrappedBytes(block, message);
  }
  return httpChunk(text, bytes);
});
/** What a replaced stream is told to wait: EventSource has no way to stay away for good. */
const REPLACED_RETRY_MS = 60_000;

export class SseTransport implements Transport {
  readonly kind = "sse";
  readonly #response: ServerResponse;
  readonly #session: SseSession;
  #events: TransportEvents = { drained: () => {}, closed: () => {} };

  constructor(response: ServerResponse) {
    this.#response = response;
    this.#session = new SseSession(response, streamRetryMs(), () => this.#events.drained());
  }

  carry(events: TransportEvents): void {
    this.#events = events;
    this.#response.once("close", () => events.closed());
  }

  onConnected(callback: () => void): void {
    this.#session.onConnected(callback);
  }

  write(messages: readonly OutMessage[]): void {
    if (this.#isDirect) this.#session.sendChunk(chunkOf(messages));
    else this.#session.send(messages.map(blockOf).join(""));
  }

  control(message: Control, eventId: string | null = null): void {
    const block = controlBlockOf(message, eventId);
    if (this.#isDirect) this.#session.sendChunk(httpChunk(block, block.length));
    else this.#session.send(block);
  }

  bufferedBytes(): number {
    return this.#response.writableLength;
  }

  end(ending: Ending): void {
    if (ending.afterMs !== null) this.control({ type: "reconnect", afterMs: ending.afterMs });
    if (ending.reason === "replaced") {
      this.#session.send(retryBlockOf(spread(REPLACED_RETRY_MS, 1.5 * REPLACED_RETRY_MS)));
    }
    const { socket } = this.#response;
    // On a connection that is kept the client would come back to this same gateway.
    this.#response.end(ending.reason === "draining" ? () => socket?.destroySoon() : undefined);
  }

  terminate(): void {
    this.#response.destroy();
  }

  /** Behind another request on its connection it has no socket yet. */
  get #isDirect(): boolean {
    return this.#response.chunkedEncoding && this.#response.socket !== null;
  }
}

/** One chunk of HTTP/1.1 (RFC 9112 section 7.1); `bytes`: of the text in UTF-8. */
function httpChunk(text: string, bytes: number): WireChunk {
  const chunk = `${bytes.toString(16)}\r\n${text}\r\n`;
  return bytes === text.length ? chunk : Buffer.from(chunk);
}

/** When a stream that broke off is to be opened again. */
function streamRetryMs(): number {
  return spread(1_000, 3_000);
}

/** A block that only sets the time EventSource waits before it comes back. */
export function retryBlockOf(retryMs: number): string {
  return `retry: ${retryMs}\n\n`;
}

/** Without an `id:` line Last-Event-ID stays; only `synced` names where to resume. */
function controlBlockOf(message: Control, eventId: string | null): string {
  if (message.type === "heartbeat") return ":\n\n";
  const id = eventId === null ? "" : `id: ${eventId}\n`;
  const retry = message.type === "reconnect" ? `retry: ${message.afterMs}\n` : "";
  return `${id}event: ${message.type}\ndata: ${JSON.stringify(message)}\n${retry}\n`;
}
