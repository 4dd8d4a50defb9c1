import type { Writable } from "node:stream";

/**
 * What a socket is given at once: bytes, or a text whose characters are all below 256, each of them one byte. The system
 * takes such a text as it is; bytes need a buffer first, which costs more than to fill it.
 */
export type WireChunk = string | Buffer;

/** `onTaken`: the system has taken all of it, or the socket is gone. */
export function writeChunk(socket: Writable, chunk: WireChunk, onTaken: () => void): void {
  if (typeof chunk === "string") socket.write(chunk, "latin1", onTaken);
  else socket.write(chunk, onTaken);
}
