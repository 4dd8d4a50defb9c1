import { randomBytes } from "node:crypto";

// WebSocket frames (RFC 6455, section 5) as a client sees them: what the server sends is not masked, and what we send is
// small. No extensions, and no fragments: no server here sends any, so one is an error.

export interface FrameHandler {
  text(text: string): void;
  ping(payload: Buffer): void;
  /** 1005: the server gave no code. */
  close(code: number): void;
}

const OPCODE = { text: 0x1, close: 0x8, ping: 0x9, pong: 0xa } as const;
const FIN = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const NO_STATUS = 1005;
const EMPTY = Buffer.alloc(0);

/** Takes bytes as they come and hands on whole frames. */
export class FrameReader {
  readonly #handler: FrameHandler;
  /** The beginning of a frame whose end has not come; its own copy. */
  #rest: Buffer = EMPTY;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** `bytes` may be used for something else afterwards. Throws for what no WebSocket server sends. */
  take(bytes: Buffer): void {
    const whole = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (at < whole.length) {
      const size = frameSize(whole, at);
      if (size === null || at + size.total > whole.length) break;
      this.#frame(whole, at, size.total - size.payload, size.payload);
      at += size.total;
    }
    this.#rest = at === whole.length ? EMPTY : Buffer.from(whole.subarray(at));
  }

  #frame(bytes: Buffer, at: number, headSize: number, payloadSize: number): void {
    const first = bytes[at] ?? 0;
    const [from, to] = [at + headSize, at + headSize + payloadSize];
    if ((first & FIN) === 0) throw new Error("a fragmented WebSocket frame");
    // Read on, it would be another text, and a finding of something else.
    if ((first & RESERVED) !== 0) throw new Error("a WebSocket frame of an extension");
    if (((bytes[at + 1] ?? 0) & MASKED) !== 0) throw new Error("a masked WebSocket frame of a server");
    switch (first & 0x0f) {
      case OPCODE.text:
        this.#handler.text(bytes.toString("utf8", from, to));
        return;
      case OPCODE.ping:
        this.#handler.ping(Buffer.from(bytes.subarray(from, to)));
        return;
      case OPCODE.close:
        this.#handler.close(payloadSize < 2 ? NO_STATUS : bytes.readUInt16BE(from));
        return;
      case OPCODE.pong:
        return;
      default:
        throw new Error(`a WebSocket frame with opcode ${first & 0x0f}`);
    }
  }
}

/** Bytes of the frame that begins at `at`; null: its head has not come whole. */
export function frameSize(
  bytes: Buffer,
  at: number,
): { readonly total: number; readonly payload: number } | null {
  const short = (bytes[at + 1] ?? 0) & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const headSize = 2 + extended;
  if (bytes.length < at + headSize) return null;
  if (extended === 0) return { total: headSize + short, payload: short };
  const payload = extended === 2 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
  return { total: headSize + payload, payload };
}

/** A masked frame of at most 65,535 bytes. */
function clientFrame(opcode: number, payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const isShort = payload.length < 126;
  const frame = Buffer.alloc((isShort ? 6 : 8) + payload.length);
  frame[0] = FIN | opcode;
  frame[1] = MASKED | (isShort ? payload.length : 126);
  if (!isShort) frame.writeUInt16BE(payload.length, 2);
  const from = frame.length - payload.length;
  mask.copy(frame, from - 4);
  for (let index = 0; index < payload.length; index += 1) {
    frame[from + index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0);
  }
  return frame;
}

export function textFrame(text: string): Buffer {
  return clientFrame(OPCODE.text, Buffer.from(text));
}

export function pongFrame(payload: Buffer): Buffer {
  return clientFrame(OPCODE.pong, payload);
}
