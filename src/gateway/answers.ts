import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { HubError } from "../errors.ts";
import { problemAnswerOf, problemTextOf } from "../problem.ts";

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
  const { status, headers, body } = problemAnswerOf(hubErrorOf(error));
  response.writeHead(status, { ...headers, ...more }).end(body);
}

/** The same before an upgrade, where there is only the bare socket. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.once("finish", () => socket.destroy());
  socket.end(problemTextOf(hubErrorOf(error)));
}
