import type { IncomingMessage } from "node:http";
import { HubError } from "../errors.ts";

/** What is still read, and thrown away, of a body that was refused; then the connection is cut. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;

/**
 * The raw body, at most `maxBytes`. Throws HubError `body_too_large` as soon as that is known, from Content-Length or
 * on the way, and goes on discarding what comes: a client that writes first and reads later must be able to finish
 * writing, since a closed socket would reset it before it has read the 413. `bad_request`: the client went away.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) {
    discard(request);
    return Promise.reject(tooLarge(maxBytes));
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let receivedBytes = 0;
    const onData = (chunk: Buffer) => {
      receivedBytes += chunk.length;
      chunks.push(chunk);
      if (receivedBytes <= maxBytes) return;
      stop();
      discard(request);
      reject(tooLarge(maxBytes));
    };
    const onEnd = () => {
      stop();
      resolve(Buffer.concat(chunks, receivedBytes));
    };
    const onGone = () => {
      stop();
      reject(new HubError("bad_request", "The request ended before its body did."));
    };
    const stop = () => {
      request.off("data", onData).off("end", onEnd).off("close", onGone).off("error", onGone);
      // A late error of a request nobody reads any more must not end the process.
      request.on("error", ignore);
    };
    request.on("data", onData).on("end", onEnd).on("close", onGone).on("error", onGone);
  });
}

function discard(request: IncomingMessage): void {
  let discardedBytes = 0;
  request.on("error", ignore);
  request.on("data", (chunk: Buffer) => {
    discardedBytes += chunk.length;
    if (discardedBytes > MAX_DISCARDED_BYTES) request.destroy();
  });
}

function tooLarge(maxBytes: number): HubError {
  return new HubError("body_too_large", `The body is over ${maxBytes} bytes.`);
}

function ignore(): void {}
