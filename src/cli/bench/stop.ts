import { exitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";

/** Aborted by Ctrl-C; a second one ends the process at once. */
export interface Stop {
  readonly signal: AbortSignal;
  release(): void;
}

export function stopOf(host: Host): Stop {
  const stop = new AbortController();
  const releases = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((name) =>
    host.onSignal(name, () => (stop.signal.aborted ? host.exit(exitCode.inconclusive) : stop.abort())),
  );
  return {
    signal: stop.signal,
    release() {
      for (const release of releases) release();
    },
  };
}
