import type { ServerResponse } from "node:http";
import { EventBuffer, Session, Connection as SseConnection } from "better-sse";
import { type WireChunk, writeChunk } from "./wire-chunk.ts";

/** A proxy must neither keep, change nor collect the stream. */
export const STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-cache, no-transform",
  "X-Accel-Buffering": "no",
} as const;

/** Without a query: better-sse would take `padding` and `evs_preamble` of the client's as orders. */
const BARE_URL = new URL("http://hub/");
const BARE_REQUEST = new Request(BARE_URL);
const BARE_RESPONSE = new Response(null);

/**
 * One response below a better-sse session. Its own Node connection builds a fetch Request, Response and Headers for
 * each, half of a stream's memory; the session touches nothing of them but the abort signal.
 */
class ResponseConnection extends SseConnection {
  override url = BARE_URL;
  override request: Request;
  override response = BARE_RESPONSE;
  readonly #response: ServerResponse;
  readonly #onTaken: () => void;

  constructor(response: ServerResponse, onTaken: () => void) {
    super();
    this.#response = response;
    this.#onTaken = onTaken;
    const signal = {
      addEventListener: (_type: "abort", onAbort: () => void) => response.once("close", onAbort),
      removeEventListener: (_type: "abort", onAbort: () => void) => response.off("close", onAbort),
    };
    this.request = Object.create(BARE_REQUEST, { signal: { value: signal } });
  }

  override sendHead(): void {
    this.#response.writeHead(200, STREAM_HEADERS);
  }

  override sendChunk(chunk: string): void {
    if (this.#response.writableEnded || this.#response.destroyed) return;
    // Corked by us, the chunk and its framing leave at once, and what the kernel did not take is known at once.
    const { socket } = this.#response;
    socket?.cork();
    this.#response.write(chunk, this.#onTaken);
    socket?.uncork();
  }

  override cleanup(): void {}
}

/** A buffer whose contents were encoded elsewhere. */
class EncodedBuffer extends EventBuffer {
  text = "";
  override read = (): string => this.text;
}

/** `batch` reads it before it returns, so one serves all sessions. */
const outbox = new EncodedBuffer();
const identity = (text: unknown): string => String(text);

/** An event stream over one response: head and `retry:` first, then blocks as they are given. */
export class SseSession {
  readonly #response: ServerResponse;
  readonly #session: Session;
  readonly #onTaken: () => void;

  /** `onTaken`: the kernel has taken a chunk. */
  constructor(response: ServerResponse, retryMs: number, onTaken: () => void) {
    response.socket?.setNoDelay(true);
    this.#response = response;
    this.#onTaken = onTaken;
    this.#session = new Session(new ResponseConnection(response, onTaken), {
      retry: retryMs,
      keepAlive: null,
      trustClientEventId: false,
      serializer: identity,
      sanitizer: identity,
    });
  }

  /** Calls back when the head and `retry:` are out. */
  onConnected(callback: () => void): void {
    this.#session.once("connected", callback);
  }

  /**
   * Sends a chunk that has its framing already, once connected: past the response and the session, which would make four
   * writes and a promise of it.
   */
  sendChunk(chunk: WireChunk): void {
    const { socket, writableEnded } = this.#response;
    if (socket !== null && !writableEnded) writeChunk(socket, chunk, this.#onTaken);
  }

  /** Sends whole blocks. Not `push`, which writes an id with each. */
  send(blocks: string): void {
    outbox.text = blocks;
    void this.#session.batch(outbox);
  }
}
