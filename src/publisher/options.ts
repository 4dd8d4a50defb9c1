import type { Backoff } from "../backoff.ts";
import type { HubError } from "../errors.ts";
import type { Carrier } from "./carrier.ts";
import { createHttpCarrier } from "./send.ts";
import { createStreamCarrier } from "./stream.ts";

interface CommonOptions {
  /** CloudEvents `source` of events that name none. Default: `urn:progress-hub:publisher`. */
  readonly source?: string | undefined;
  /** Events a request, at least 1. Default 500; the hub's limit is its `max-batch`. */
  readonly maxBatch?: number | undefined;
  /** Bytes a request, one event aside that alone is larger. Default 1 MiB; the hub's limit is its `max-body`. */
  readonly maxBatchBytes?: number | undefined;
  /** Milliseconds an event waits for company. 0: none. Default 20. */
  readonly flushIntervalMs?: number | undefined;
  /** Events accepted and not settled, at least 1. Default 10,000. As many more may wait in `publish()`. */
  readonly maxPending?: number | undefined;
  /** Milliseconds `publish()` waits for a place when full. 0: rejects at once. Default 5,000. */
  readonly publishTimeoutMs?: number | undefined;
  /** Milliseconds a request may take. Default 10,000. */
  readonly requestTimeoutMs?: number | undefined;
  readonly retry?:
    | {
        /** Ceiling of the first delay in milliseconds, doubled with each failure (full jitter). Default 100. */
        readonly minMs?: number | undefined;
        /** Ceiling of every delay in milliseconds. Default 10,000. */
        readonly maxMs?: number | undefined;
        /** Milliseconds after which an event that can't be delivered is rejected. Default 300,000. */
        readonly giveUpAfterMs?: number | undefined;
        /** How often an event is sent again after the hub rejected it alone for a while (`owner_unknown`). Default 5. */
        readonly rejections?: number | undefined;
      }
    | undefined;
  /** Told of each failed request and each rejected event; for logs. `willRetry` false: `events` were given up. */
  readonly onError?:
    | ((error: HubError, info: { readonly willRetry: boolean; readonly events: number }) => void)
    | undefined;
}

/** Over HTTP: the hub answers for each event. */
export interface HttpPublisherOptions extends CommonOptions {
  /** The hub's internal listener, e.g. `http://127.0.0.1:8081`. */
  readonly url: string | URL;
  /** One of the hub's ingest tokens. */
  readonly token: string;
  readonly fetch?: typeof fetch | undefined;
}

/**
 * Into the Redis Stream that the hub reads (`redis-stream`): what is acknowledged is in the stream, and no more is
 * known of it. The hub may still refuse it, and then moves it to `<stream>:dead`. Nothing is rejected event by event.
 */
export interface StreamPublisherOptions extends CommonOptions {
  /** As the hub's setting `redis`: `redis://`, `rediss://`, `redis-cluster://` or `redis-sentinel://`. */
  readonly redis: string;
  readonly stream: string;
  /**
   * About so many entries are kept, the newest, whether they were read or not; the hub itself takes none out. 0: all.
   * Default 1,000,000, which is some 400 MB.
   */
  readonly maxStreamLength?: number | undefined;
}

export type PublisherOptions = HttpPublisherOptions | StreamPublisherOptions;

/** Options with every default filled in. */
export interface PublisherSettings {
  readonly carrier: Carrier;
  readonly source: string;
  readonly maxBatch: number;
  readonly maxBatchBytes: number;
  readonly flushIntervalMs: number;
  readonly maxPending: number;
  readonly publishTimeoutMs: number;
  readonly backoff: Backoff;
  readonly giveUpAfterMs: number;
  readonly maxRejections: number;
}

const DEFAULT_SOURCE = "urn:progress-hub:publisher";
const EVENTS_PATH = "api/v1/events";

export function settingsOf(options: PublisherOptions): PublisherSettings {
  const retry = options.retry ?? {};
  return {
    carrier: carrierOf(options),
    source: options.source ?? DEFAULT_SOURCE,
    maxBatch: atLeast(1, "maxBatch", options.maxBatch ?? 500),
    maxBatchBytes: atLeast(1, "maxBatchBytes", options.maxBatchBytes ?? 1024 * 1024),
    flushIntervalMs: atLeast(0, "flushIntervalMs", options.flushIntervalMs ?? 20),
    maxPending: atLeast(1, "maxPending", options.maxPending ?? 10_000),
    publishTimeoutMs: atLeast(0, "publishTimeoutMs", options.publishTimeoutMs ?? 5_000),
    backoff: {
      minMs: atLeast(0, "retry.minMs", retry.minMs ?? 100),
      maxMs: atLeast(0, "retry.maxMs", retry.maxMs ?? 10_000),
    },
    giveUpAfterMs: atLeast(0, "retry.giveUpAfterMs", retry.giveUpAfterMs ?? 300_000),
    maxRejections: atLeast(0, "retry.rejections", retry.rejections ?? 5),
  };
}

function carrierOf(options: PublisherOptions): Carrier {
  const timeoutMs = atLeast(1, "requestTimeoutMs", options.requestTimeoutMs ?? 10_000);
  if ("stream" in options) {
    const { redis, stream, maxStreamLength = 1_000_000 } = options;
    const maxLength = atLeast(0, "maxStreamLength", maxStreamLength);
    return createStreamCarrier({ redis, stream, maxLength, timeoutMs });
  }
  const url = eventsUrl(new URL(options.url));
  return createHttpCarrier({ url, token: options.token, timeoutMs, fetch: options.fetch ?? fetch });
}

function eventsUrl(base: URL): URL {
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return new URL(EVENTS_PATH, base);
}

function atLeast(least: number, name: string, value: number): number {
  if (!(value >= least)) throw new RangeError(`${name} must be at least ${least}, not ${value}`);
  return value;
}
