import { HubError } from "../errors.ts";
import { messageOf } from "../message-of.ts";
import { connectRedis, type Redis } from "../redis/redis.ts";
import { parseRedisUrl } from "../redis/url.ts";
import type { Carrier, Outcome } from "./carrier.ts";

interface StreamEndpoint {
  /** As the setting `redis`. */
  readonly redis: string;
  readonly stream: string;
  /** Entries kept, about; 0: all. */
  readonly maxLength: number;
  readonly timeoutMs: number;
}

/**
 * XADDs a batch as one pipeline, in order; connects with the first. Acknowledged or not, it is all of it: where the
 * connection broke in the middle everything is sent again, and some of it is in the stream twice, which changes nothing.
 * Throws TypeError for a URL that is none.
 */
export function createStreamCarrier({ redis: url, stream, maxLength, timeoutMs }: StreamEndpoint): Carrier {
  parseRedisUrl(url);
  const trim = { strategy: "MAXLEN", strategyModifier: "~", threshold: maxLength } as const;
  const options = maxLength === 0 ? {} : { TRIM: trim };
  let redis: Redis | null = null;

  const connect = (signal: AbortSignal): Redis => {
    const connected = connectRedis(url, { commandTimeoutMs: timeoutMs });
    signal.addEventListener("abort", () => connected.close(), { once: true });
    return connected;
  };

  return {
    async send({ slots }, signal) {
      redis ??= connect(signal);
      try {
        await redis.settled();
        await redis.run(stream, (client) =>
          Promise.all(slots.map(({ json }) => client.xAdd(stream, "*", { event: json }, options))),
        );
        return { kind: "answered", rejected: [] };
      } catch (error) {
        return signal.aborted ? null : outcomeOf(error);
      }
    },
  };
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof HubError) return { kind: "failed", notBeforeMs: 0, error };
  const reason = messageOf(error);
  const code = reason.startsWith("NOPERM") ? "unauthorized" : "bad_request";
  return { kind: "refused", error: new HubError(code, `Redis refuses the event: ${reason}`) };
}
