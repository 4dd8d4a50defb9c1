import { StringDecoder } from "node:string_decoder";

// The body of an SSE answer (HTTP chunks, then the HTML standard's event stream) as much of it as our servers send.

export interface ChunkHandler {
  /** Of one chunk. Valid until it returns. */
  body(bytes: Buffer): void;
  /** The server has ended the body as it should. */
  end(): void;
}

export interface StreamHandler {
  /** The data of one event. Its id is in the data too, which is what is looked at. */
  event(data: string): void;
  /** The server has ended the body as it should. */
  end(): void;
}

const EMPTY = Buffer.alloc(0);
const CR_LF = 2;
const LINE_FEED = 0x0a;
/** Of a chunk's head: digits, and an extension that nobody sends. */
const MAX_HEAD_BYTES = 256;
const SIZE = /^([0-9a-f]+)[ \t]*(?:;.*)?\r$/i;

/** Takes the bytes after the head of an answer with `Transfer-Encoding: chunked` (RFC 9112, section 7.1). */
export class ChunkReader {
  readonly #handler: ChunkHandler;
  /** Bytes that are no whole chunk head, or of a chunk that has not come whole; its own copy. */
  #rest: Buffer = EMPTY;

  constructor(handler: ChunkHandler) {
    this.#handler = handler;
  }

  /** `bytes` may be used for something else afterwards. Throws for what is no chunk. */
  take(bytes: Buffer): void {
    const whole = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    for (;;) {
      const lineEnd = whole.indexOf(LINE_FEED, at);
      if (lineEnd < 0) {
        if (whole.length - at > MAX_HEAD_BYTES) throw new Error("a chunk without a size");
        break;
      }
      const [, digits] = SIZE.exec(whole.toString("latin1", at, lineEnd)) ?? [];
      if (digits === undefined) throw new Error("a chunk without a size");
      const size = Number.parseInt(digits, 16);
      const from = lineEnd + 1;
      if (from + size + CR_LF > whole.length) break;
      at = from + size + CR_LF;
      if (size === 0) this.#handler.end();
      else this.#handler.body(whole.subarray(from, from + size));
    }
    this.#rest = at === whole.length ? EMPTY : Buffer.from(whole.subarray(at));
  }
}

/** Takes the bytes after the head of the answer, and hands on whole events. */
export class EventStreamReader {
  readonly #chunks: ChunkReader;
  readonly #handler: StreamHandler;
  /** A proxy may divide a body anywhere, in the midst of a character too. */
  readonly #decoder = new StringDecoder("utf8");
  /** Text after the last whole event. */
  #text = "";

  constructor(handler: StreamHandler) {
    this.#handler = handler;
    this.#chunks = new ChunkReader({
      body: (bytes) => this.#body(this.#decoder.write(bytes)),
      end: () => handler.end(),
    });
  }

  /** `bytes` may be used for something else afterwards. Throws for what is no chunk. */
  take(bytes: Buffer): void {
    this.#chunks.take(bytes);
  }

  #body(text: string): void {
    this.#text += text;
    let at = 0;
    for (let end = this.#text.indexOf("\n\n"); end >= 0; end = this.#text.indexOf("\n\n", at)) {
      this.#event(this.#text.slice(at, end));
      at = end + 2;
    }
    this.#text = this.#text.slice(at);
  }

  #event(lines: string): void {
    for (const line of lines.split("\n")) {
      if (line.startsWith("data:")) this.#handler.event(line.slice(line[5] === " " ? 6 : 5));
    }
  }
}
