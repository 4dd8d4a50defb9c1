import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { destinationOf } from "../load/connection.ts";
import type { Target } from "./target.ts";

export type RemoteOptions = Pick<Target, "internalUrl" | "jwtSecret" | "ingestToken"> & {
  readonly publicUrl: string;
};

const LOOK_EVERY_MS = 500;
const LOOK_TIMEOUT_MS = 5_000;
/** In a row: a hub that restarts is away for a moment. */
const FAILED_LOOKS = 6;

/**
 * One that somebody else has started. It has ended when nobody takes connections at its internal address any more; at the
 * public one a look would be among the connections that are counted.
 */
export function remoteTarget({ publicUrl, ...more }: RemoteOptions): Target {
  const stop = new AbortController();
  return {
    kind: "remote",
    publicUrls: [publicUrl],
    ...more,
    pid: null,
    workers: null,
    flags: [],
    ended: goneFrom(more.internalUrl, stop.signal),
    stop: async () => stop.abort(),
  };
}

/** Resolves with why; never once it is stopped. */
async function goneFrom(url: string, signal: AbortSignal): Promise<string> {
  for (let failed = 0; ; ) {
    await wait(LOOK_EVERY_MS, undefined, { ref: false });
    if (signal.aborted) return new Promise(() => undefined);
    const missing = await missingAt(url);
    failed = missing === null ? 0 : failed + 1;
    if (missing !== null && failed >= FAILED_LOOKS) return missing;
  }
}

/** Null: somebody takes connections there. */
function missingAt(url: string): Promise<string | null> {
  const { host, port } = destinationOf(url);
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: LOOK_TIMEOUT_MS });
    const end = (reason: string | null): void => {
      socket.destroy();
      resolve(reason === null ? null : `nobody answers at ${url} any more (${reason})`);
    };
    socket.unref();
    socket.on("connect", () => end(null));
    socket.on("timeout", () => end("ETIMEDOUT"));
    socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}
