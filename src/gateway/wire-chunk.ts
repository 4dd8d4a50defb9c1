import type { Writable } from "node:stream";
import type { OutMessage } from "../engine/contract.ts";

/**
 * What a socket is given at once: bytes, or a text whose characters are all below 256, each of them one byte. The system
 * takes such a text as it is; bytes need a buffer first, which costs more than to fill it.
 */
export type WireChunk = string | Buffer;

/** `onTaken`: what the system did not take at once it has taken now, or the socket is gone; not called where it took all. */
export function writeChunk(socket: Writable, chunk: WireChunk, onTaken: () => void): void {
  // Closing: nothing that is written now would arrive.
  if (!socket.writable) return;
  if (typeof chunk === "string") socket.write(chunk, "latin1");
  else socket.write(chunk);
  // A callback with each write would cost more than to look.
  if (socket.writableLength > 0) socket.write("", onTaken);
}

/**
 * Of a message in UTF-8 with the ASCII that a protocol puts around it. To count them would put the text together, which is
 * done once more when it is sent.
 */
export function wrappedBytes(text: string, { json, bytes }: OutMessage): number {
  return text.length - json.length + bytes;
}
