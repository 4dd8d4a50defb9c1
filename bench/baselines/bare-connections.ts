import type { Duplex } from "node:stream";

/** A message as JSON, which is made once whoever gets it, and what SSE says beside it. */
export interface Encoded {
  readonly type: string;
  readonly id: string;
  readonly json: string;
}

/** Makes the bytes of messages for one protocol. */
type Wire = (messages: readonly Encoded[]) => Buffer;

export interface BareConnection {
  readonly wire: Wire;
  /** The TCP socket below the protocol. */
  readonly socket: Duplex;
}

const NOTHING = Buffer.alloc(0);

/** Who is connected, and nothing else. No back-pressure: what a slow client does not read piles up in its socket. */
export class BareConnections {
  readonly #ofUser = new Map<string, BareConnection[]>();

  add(userId: string, connection: BareConnection): void {
    const others = this.#ofUser.get(userId);
    if (others === undefined) this.#ofUser.set(userId, [connection]);
    else others.push(connection);
  }

  remove(userId: string, connection: BareConnection): void {
    const left = this.#ofUser.get(userId)?.filter((other) => other !== connection) ?? [];
    if (left.length === 0) this.#ofUser.delete(userId);
    else this.#ofUser.set(userId, left);
  }

  has(userId: string): boolean {
    return this.#ofUser.has(userId);
  }

  /** One write, and so one system call, for each connection however many messages there are. */
  write(userId: string, messages: readonly Encoded[]): void {
    let wireOfBytes: Wire | null = null;
    let bytes: Buffer = NOTHING;
    for (const { wire, socket } of this.#ofUser.get(userId) ?? []) {
      if (wire !== wireOfBytes) bytes = wire(messages);
      wireOfBytes = wire;
      // A client that has said goodbye stays here until its socket is closed.
      if (socket.writable) socket.write(bytes);
    }
  }
}

const FINAL_TEXT_FRAME = 0x81;
const LENGTH_OF_2_BYTES = 126;
const LENGTH_OF_8_BYTES = 127;

/** One unmasked text frame a message (RFC 6455 section 5.2), in place of the two buffers that `ws` writes for each. */
export const webSocketFrames: Wire = (messages) => {
  const sizes = messages.map(({ json }) => Buffer.byteLength(json));
  const bytes = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + headerSize(size) + size, 0));
  let at = 0;
  for (const [index, { json }] of messages.entries()) {
    const size = sizes[index] ?? 0;
    bytes[at] = FINAL_TEXT_FRAME;
    const header = headerSize(size);
    if (header === 2) bytes[at + 1] = size;
    else if (header === 4) {
      bytes[at + 1] = LENGTH_OF_2_BYTES;
      bytes.writeUInt16BE(size, at + 2);
    } else {
      bytes[at + 1] = LENGTH_OF_8_BYTES;
      bytes.writeBigUInt64BE(BigInt(size), at + 2);
    }
    at += header + bytes.write(json, at + header);
  }
  return bytes;
};

function headerSize(payloadSize: number): 2 | 4 | 10 {
  if (payloadSize < LENGTH_OF_2_BYTES) return 2;
  return payloadSize < 65_536 ? 4 : 10;
}

/** All messages in one chunk of HTTP/1.1 (RFC 9112 section 7.1), in place of the four buffers that `node:http` writes. */
export const sseChunk: Wire = (messages) => {
  const text = messages.map(({ id, type, json }) => `id: ${id}\nevent: ${type}\ndata: ${json}\n\n`).join("");
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
};
