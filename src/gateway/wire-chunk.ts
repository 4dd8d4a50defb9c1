import type { Writable } from "node:stream";

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
