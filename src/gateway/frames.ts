import type { OutMessage } from "../engine/contract.ts";
import { madeOnce } from "./made-once.ts";

const TEXT_FRAME = 0x81;
const LENGTH_IN_16_BITS = 126;
const LENGTH_IN_64_BITS = 127;

/**
 * The messages of a group as WebSocket text frames, one a message, in a buffer of their own (RFC 6455 section 5.2: what a
 * server sends is not masked, so it is the same for everybody). Made at the first connection that is sent the group.
 * A slow connection then keeps these bytes and nothing beside them: no chunk for each frame, no shared slab.
 */
export function framedOnce(
  textOf: (message: OutMessage) => string,
): (group: readonly OutMessage[]) => Buffer {
  return madeOnce((group) => textFrames(group.map(textOf)));
}

function textFrames(texts: readonly string[]): Buffer {
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const total = lengths.reduce((sum, length) => sum + headerLengthOf(length) + length, 0);
  const frames = Buffer.allocUnsafeSlow(total);
  let at = 0;
  texts.forEach((text, index) => {
    at = writeHeader(frames, at, lengths[index] ?? 0);
    at += frames.write(text, at);
  });
  return frames;
}

function headerLengthOf(length: number): number {
  if (length < LENGTH_IN_16_BITS) return 2;
  return length < 2 ** 16 ? 4 : 10;
}

function writeHeader(frames: Buffer, at: number, length: number): number {
  frames[at] = TEXT_FRAME;
  if (length < LENGTH_IN_16_BITS) {
    frames[at + 1] = length;
    return at + 2;
  }
  if (length < 2 ** 16) {
    frames[at + 1] = LENGTH_IN_16_BITS;
    return frames.writeUInt16BE(length, at + 2);
  }
  frames[at + 1] = LENGTH_IN_64_BITS;
  return frames.writeBigUInt64BE(BigInt(length), at + 2);
}
