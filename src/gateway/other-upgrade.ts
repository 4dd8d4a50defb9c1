import { type IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HubError } from "../errors.ts";
import { refuse } from "./answers.ts";
import type { HttpSurface } from "./http.ts";

/** False: the client offers another protocol, such as `h2c` with `curl --http2` or Java's HttpClient. */
export function offersWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.trim().toLowerCase() === "websocket";
}

/**
 * Serves as an ordinary request what node takes for an upgrade: an offer may be ignored (RFC 9110 section 7.8). Node
 * has let go of the socket by then, so what it does between socket, request and response is done here, and the
 * connection ends with the answer. A request with a body is refused, since nothing would read it.
 */
export function serveWithoutUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  serve: HttpSurface["request"],
): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  if (!(socket instanceof Socket) || !assigned(response, socket)) {
    socket.destroy();
    return;
  }
  response.once("finish", () => socket.destroySoon());
  socket.on("drain", () => response.emit("drain"));
  socket.on("timeout", () => {
    if (!response.emit("timeout", socket)) socket.destroy();
  });
  socket.once("end", () => socket.end());
  socket.once("close", () => request.destroy());
  // Whatever else the client sends would, unread, hide the end of the connection.
  socket.resume();
  if (hasBody(request, head)) {
    refuse(response, new HubError("bad_request", "Send a body without the header Upgrade."));
  } else {
    serve(request, response);
  }
}

/** False: another response is still under way on this connection, and any byte would land inside it. */
function assigned(response: ServerResponse, socket: Socket): boolean {
  try {
    response.assignSocket(socket);
    return true;
  } catch {
    return false;
  }
}

function hasBody({ headers }: IncomingMessage, head: Buffer): boolean {
  const { "content-length": length, "transfer-encoding": coding } = headers;
  return head.length > 0 || coding !== undefined || (length !== undefined && Number(length) !== 0);
}
