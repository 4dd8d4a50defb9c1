import { setTimeout as wait } from "node:timers/promises";
import { type Backoff, fullJitterMs } from "../src/backoff.ts";
import { createStreamCarrier } from "../src/publisher/stream.ts";
import { jsonOf } from "./event.ts";
import { IngestError } from "./ingest.ts";
import type { Sink } from "./sink.ts";

export interface StreamTarget {
  /** As the setting `redis`. */
  readonly redis: string;
  readonly stream: string;
  /** Called before a batch is sent again. */
  readonly onRetry?: (reason: string) => void;
}

/** About so many entries are kept, as a publisher keeps. */
const MAX_LENGTH = 1_000_000;
const TIMEOUT_MS = 10_000;
const GIVE_UP_MS = 20_000;
const BACKOFF: Backoff = { minMs: 100, maxMs: 2_000 };

/** Into the Redis Stream that a hub reads: what becomes of it there nobody answers. Its connection ends with `signal`. */
export function streamSink({ redis, stream, onRetry }: StreamTarget, signal: AbortSignal): Sink {
  const carrier = createStreamCarrier({ redis, stream, maxLength: MAX_LENGTH, timeoutMs: TIMEOUT_MS });
  return {
    name: `the Redis Stream ${stream}`,
    async send(events) {
      const slots = events.map((event) => ({ json: jsonOf(event) }));
      const sinceMs = performance.now();
      for (let attempt = 1; ; attempt += 1) {
        const outcome = await carrier.send({ slots, body: "" }, signal);
        if (outcome === null) return null;
        if (outcome.kind === "answered") return { accepted: events.length, unchanged: 0, rejected: [] };
        const { error, kind } = outcome;
        if (kind === "refused" || kind === "too_large") throw new IngestError("refused", error.message);
        if (performance.now() - sinceMs > GIVE_UP_MS) throw new IngestError("unreachable", error.message);
        onRetry?.(error.message);
        await wait(fullJitterMs(attempt, BACKOFF, Math.random()), undefined, { signal }).catch(
          () => undefined,
        );
      }
    },
  };
}
