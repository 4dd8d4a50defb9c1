import { type ErrorCode, errorCatalogue, HubError } from "../errors.ts";
import type { Carrier, EventRejection, Outcome } from "./carrier.ts";
import { retryAfterMs } from "./retry-after.ts";

export interface Endpoint {
  readonly url: URL;
  readonly token: string;
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
}

export function createHttpCarrier(endpoint: Endpoint): Carrier {
  return { send: ({ body }, signal) => sendBatch(endpoint, body, signal) };
}

/** POSTs one batch. Never throws. null: broken off by `signal`. */
async function sendBatch(endpoint: Endpoint, body: string, signal: AbortSignal): Promise<Outcome | null> {
  // Not AbortSignal.any: on Node 20 each use of it leaves a trace in a signal that lives on.
  const request = new AbortController();
  const stop = () => request.abort();
  signal.addEventListener("abort", stop);
  const timer = setTimeout(() => {
    request.abort(new Error(`no answer within ${endpoint.timeoutMs} ms`));
  }, endpoint.timeoutMs);
  try {
    const response = await endpoint.fetch(endpoint.url, {
      method: "POST",
      headers: {
        "content-type": "application/cloudevents-batch+json",
        authorization: `Bearer ${endpoint.token}`,
      },
      body,
      // A redirect would carry the ingest token to another place.
      redirect: "manual",
      signal: request.signal,
    });
    // Read to its end, so that the connection is kept alive.
    const text = await response.text();
    return outcomeOf(response.status, response.headers.get("retry-after"), parse(text));
  } catch (error) {
    if (signal.aborted) return null;
    return { kind: "failed", notBeforeMs: 0, error: new HubError("not_delivered", reasonOf(error)) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

function outcomeOf(status: number, retryAfter: string | null, body: unknown): Outcome {
  if (status === 200 || status === 422) {
    const rejected = rejectionsOf(body);
    if (rejected !== null) return { kind: "answered", rejected };
  }
  const error = errorOf(status, body);
  if (status === 413) return { kind: "too_large", byCount: error.code === "batch_too_large", error };
  // 200 without the hub's body comes from something in between, and says nothing about the events.
  if (status === 200 || status === 408 || status === 429 || status >= 500) {
    return { kind: "failed", notBeforeMs: retryAfterMs(retryAfter, Date.now()) ?? 0, error };
  }
  return { kind: "refused", error };
}

function rejectionsOf(body: unknown): EventRejection[] | null {
  if (!isObject(body) || !Array.isArray(body.rejected)) return null;
  const items: unknown[] = body.rejected;
  const rejections: EventRejection[] = [];
  for (const item of items) {
    if (!isObject(item) || typeof item.index !== "number") return null;
    const code = isErrorCode(item.code) ? item.code : "bad_request";
    rejections.push({ index: item.index, error: new HubError(code, detailOf(item.message)) });
  }
  return rejections;
}

const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: "unauthorized",
  404: "not_found",
  405: "method_not_allowed",
  413: "body_too_large",
  415: "unsupported_media_type",
  429: "rate_limited",
  503: "overloaded",
};

function errorOf(status: number, body: unknown): HubError {
  const problem = isObject(body) ? body : {};
  const code = isErrorCode(problem.code)
    ? problem.code
    : (CODE_OF_STATUS[status] ?? (status >= 500 || status === 200 ? "internal_error" : "bad_request"));
  return new HubError(code, detailOf(problem.detail) ?? `The hub answered ${status}`);
}

function detailOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch says only "fetch failed"; why is in its cause.
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(errorCatalogue, value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
