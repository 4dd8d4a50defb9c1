import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { HubError, problemOf } from "../errors.ts";

interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
}

/** RFC 9457, with what the status wants beside it: RFC 6750 section 3 for 401, RFC 9110 section 10.2.3 for Retry-After. */
function answerOf(error: HubError): Answer {
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  const retryAfter = error.retryAfterSeconds ?? (problem.status === 503 || problem.status === 429 ? 5 : null);
  return {
    status: problem.status,
    headers: {
      "Content-Type": "application/problem+json",
      "Content-Length": Buffer.byteLength(body),
      "Cache-Control": "no-store",
      ...(problem.status === 401 && { "WWW-Authenticate": "Bearer" }),
      ...(retryAfter !== null && { "Retry-After": String(retryAfter) }),
    },
    body,
  };
}

/** Anything that is no HubError is answered as `internal_error`, without its text. */
export function hubErrorOf(error: unknown): HubError {
  return error instanceof HubError ? error : new HubError("internal_error");
}

/** Once the head is out, there is no other answer left than to break off. */
export function refuse(response: ServerResponse, error: unknown, more: OutgoingHttpHeaders = {}): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, headers, body } = answerOf(hubErrorOf(error));
  response.writeHead(status, { ...headers, ...more }).end(body);
}

/** The same before an upgrade, where there is only the bare socket. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { status, headers, body } = answerOf(hubErrorOf(error));
  const lines = Object.entries({ ...headers, Connection: "close" }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
}
