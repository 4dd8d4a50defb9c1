import autocannon from "autocannon";
import type { Histogram } from "hdr-histogram-js";
import { newHistogram } from "../metric.ts";

const MS_PER_SECOND = 1_000;
const US_PER_MS = 1_000;
/** How long after its time a run waits for answers that are under way. */
const SETTLE_MS = 3_000;
/** So many errors end a run. */
const ERRORS_PER_LANE = 10;
/** How often autocannon looks whether it has been stopped. */
const LOOK_EVERY_MS = 100;
/** Open on both listeners, and cheap: what a connection that is done asks for until all are. */
const PARKED = { method: "GET", path: "/healthz", headers: {}, body: "" } as const;

export interface CannonRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty: none. */
  readonly body: string;
}

/** What one connection asks, one request after another. */
export interface Lane {
  /** The next request. That no answer came to the one before means that none will. */
  next(): CannonRequest;
  answered(status: number, body: string): void;
}

interface CannonProgress {
  readonly elapsedMs: number;
  /** Answers so far. */
  readonly requests: number;
  readonly non2xx: number;
  readonly errors: number;
}

export interface CannonOptions {
  readonly url: string;
  /** One each. */
  readonly lanes: readonly Lane[];
  readonly durationMs: number;
  /** Ends the run early, with what it has. */
  readonly signal: AbortSignal;
  /** Once a second. */
  readonly onProgress?: (progress: CannonProgress) => void;
}

export interface CannonResult {
  /** Without the wait for the last answers; shorter than asked for if it was stopped or gave up. */
  readonly durationMs: number;
  /** Answers. */
  readonly requests: number;
  readonly non2xx: number;
  /** Connections that broke, and requests without an answer within 10 s. */
  readonly errors: number;
  /** From writing a request to its whole answer, of those answered 2xx, in microseconds. */
  readonly latency: Histogram;
}

/**
 * Drives autocannon: each connection sends as soon as it has its answer, and the latencies are those that it measured, as
 * they are. (Its correction for coordinated omission comes with a rate, and takes 1 ms for the interval of each; without
 * one it can't be switched off either.) When time is up each connection gets the answer it waits for, so that what was
 * sent and what was answered can be compared with the hub's state.
 */
export function fire(options: CannonOptions): Promise<CannonResult> {
  const { lanes, durationMs, signal, onProgress } = options;
  const latency = newHistogram();
  const counts = { requests: 0, non2xx: 0, errors: 0 };
  let done = 0;
  const beganMs = performance.now();
  let endMs = beganMs + durationMs;
  let connections = 0;

  const setupClient = (client: autocannon.Client) => {
    const lane = lanes[connections];
    connections += 1;
    if (lane === undefined) throw new Error("more connections than lanes");
    let parked = false;
    const next = (): CannonRequest => {
      if (performance.now() < endMs) return lane.next();
      if (!parked) done += 1;
      parked = true;
      if (done === lanes.length) instance?.stop();
      return PARKED;
    };
    client.setRequests([
      {
        setupRequest: (request) => ({ ...request, ...copyOf(next()) }),
        onResponse: (status, body) => {
          if (!parked) lane.answered(status, body);
        },
      },
    ]);
    // Comes after `onResponse` and before the next request is made.
    client.on("response", (status, _bytes, latencyMs) => {
      if (parked) return;
      counts.requests += 1;
      if (status < 200 || status > 299) counts.non2xx += 1;
      else latency.recordValue(Math.max(1, Math.round(latencyMs * US_PER_MS)));
    });
  };

  let instance: autocannon.Instance | undefined;
  const stop = () => {
    endMs = Math.min(endMs, performance.now());
    instance?.stop();
  };
  return new Promise<CannonResult>((resolve, reject) => {
    if (signal.aborted) endMs = beganMs;
    const config: autocannon.Options = {
      url: options.url,
      connections: lanes.length,
      duration: (durationMs + SETTLE_MS) / MS_PER_SECOND,
      sampleInt: LOOK_EVERY_MS,
      // It reconnects at once, for ever: a hub that is gone would be asked in a hot loop.
      bailout: lanes.length * ERRORS_PER_LANE,
      setupClient,
    };
    instance = autocannon(config, (error) => {
      signal.removeEventListener("abort", stop);
      if (error) return reject(error);
      const { requests, non2xx, errors } = counts;
      const ranMs = Math.min(endMs, performance.now()) - beganMs;
      resolve({ durationMs: ranMs, requests, non2xx, errors, latency });
    });
    instance.on("reqError", () => {
      counts.errors += 1;
    });
    instance.on("tick", () => onProgress?.({ elapsedMs: performance.now() - beganMs, ...counts }));
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** autocannon writes into what it is given. */
function copyOf(request: CannonRequest): autocannon.Request {
  return { ...request, headers: { ...request.headers } };
}
