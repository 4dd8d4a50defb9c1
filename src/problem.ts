import { STATUS_CODES } from "node:http";
import { type ErrorCode, errorCatalogue, type HubError } from "./errors.ts";

/** For refusals that name no time of their own: a killed core is back by then, and polls come no oftener anyway. */
const DEFAULT_RETRY_AFTER_SECONDS = 2;

/** An RFC 9457 problem document; `type` is `about:blank`, the machine-readable part is `code`. */
interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly hint: string;
}

/** A refusal as HTTP, on whatever listener. */
export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * RFC 9457, with what the status wants beside it: WWW-Authenticate with 401 (RFC 6750 section 3), Retry-After with 429
 * and 503 (RFC 9110 section 10.2.3).
 */
export function problemAnswerOf(error: HubError): ProblemAnswer {
  const problem = problemOf(error);
  const { status } = problem;
  const body = JSON.stringify(problem);
  const retryAfterSeconds =
    error.retryAfterSeconds ?? (status === 503 || status === 429 ? DEFAULT_RETRY_AFTER_SECONDS : null);
  return {
    status,
    headers: {
      "Content-Type": "application/problem+json",
      "Content-Length": String(Buffer.byteLength(body)),
      "Cache-Control": "no-store",
      ...(status === 401 && { "WWW-Authenticate": "Bearer" }),
      ...(retryAfterSeconds !== null && { "Retry-After": String(retryAfterSeconds) }),
    },
    body,
  };
}

/** The same as the bytes of a whole response, for a bare socket that is closed after it. */
export function problemTextOf(error: HubError): string {
  const { status, headers, body } = problemAnswerOf(error);
  const lines = Object.entries({ ...headers, Connection: "close" }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("\r\n")}\r\n\r\n${body}`;
}

function problemOf(error: HubError): Problem {
  const { title, status, hint } = errorCatalogue[error.code];
  return {
    type: "about:blank",
    title,
    status: status ?? 500,
    code: error.code,
    detail: error.message,
    hint,
  };
}
