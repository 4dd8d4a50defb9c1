import type { OutMessage } from "../engine/contract.ts";
import { madeForLast } from "./made-for-last.ts";
import { type WireChunk, wrappedBytes } from "./wire-chunk.ts";

const TEXT_FRAME = 0x81;
const LENGTH_IN_16_BITS = 126;
const LENGTH_IN_64_BITS = 127;

/** What a protocol makes of a message: its JSON, and around it ASCII. */
type Wrap = (message: OutMessage) => string;

/**
 * The messages of a group as WebSocket text frames, one a message (RFC 6455 section 5.2: what a server sends is not
 * masked, so it is the same for everybody). Made for the first connection that is sent the group. A slow connection then
 * keeps these bytes and nothing beside them: no chunk for each frame, no shared slab.
 */
export function framedOnce(wrap: Wrap): (group: readonly OutMessage[]) => WireChunk {
  return madeForLast((group) => {
    let frames = "";
    for (const message of group) {
      const text = wrap(message);
      const bytes = wrappedBytes(text, message);
      if (bytes !== text.length) return Buffer.concat(group.map((one) => encodedFrame(wrap(one))));
      frames += headerOf(bytes) + text;
    }
    return frames;
  });
}

/** Asks for a pong, and says nothing (section 5.5.2). */
export const PING_FRAME = String.fromCharCode(0x89, 0);

/** Of ASCII alone. */
export function asciiFrame(text: string): string {
  return headerOf(text.length) + text;
}

function encodedFrame(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from(headerOf(bytes.length), "latin1"), bytes]);
}

/** A character a byte. */
function headerOf(length: number): string {
  if (length < LENGTH_IN_16_BITS) return String.fromCharCode(TEXT_FRAME, length);
  if (length < 2 ** 16) {
    return String.fromCharCode(TEXT_FRAME, LENGTH_IN_16_BITS, length >> 8, length & 0xff);
  }
  const bytes = Buffer.alloc(10);
  bytes[0] = TEXT_FRAME;
  bytes[1] = LENGTH_IN_64_BITS;
  bytes.writeBigUInt64BE(BigInt(length), 2);
  return bytes.toString("latin1");
}
