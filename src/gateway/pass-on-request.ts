import { type Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream";

/** RFC 9110 section 7.6.1 and what Connection names beside them; Expect was answered by the one who accepted. */
const HOP_BY_HOP = [
  ...["connection", "proxy-connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"],
  "expect",
];

export interface RequestPassage {
  readonly agent: Agent;
  readonly socketPath: string;
  /** Without a byte either way. */
  readonly idleTimeoutMs: number;
  /** Asked when the answer begins: false ends the client's connection with it. */
  mayKeepAlive(): boolean;
  /** Nothing was answered, and this is why; the response is the caller's again. */
  failed(error: Error): void;
}

/** Passes one request on, stream to stream. When either side goes away, so does the other. */
export function passRequestOn(
  request: IncomingMessage,
  response: ServerResponse,
  passage: RequestPassage,
): void {
  const { agent, socketPath, idleTimeoutMs } = passage;
  const { method = "GET", url = "/" } = request;
  const upstream = httpRequest({
    agent,
    socketPath,
    method,
    path: url,
    headers: endToEnd(request),
    timeout: idleTimeoutMs,
  });
  upstream.on("timeout", () => {
    // Not the other way round: what lies in the answer would be taken for its end.
    if (response.headersSent) response.destroy();
    else upstream.destroy(new Error(`no byte for ${idleTimeoutMs} ms`));
  });
  upstream.on("error", (error) => {
    leave();
    if (response.destroyed) return;
    if (response.headersSent) response.destroy();
    else passage.failed(error);
  });
  upstream.on("response", (answer) => {
    if (!passage.mayKeepAlive()) response.shouldKeepAlive = false;
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer));
    pipeline(answer, response, () => {});
  });
  response.once("close", () => {
    leave();
    // Does nothing where its socket is the agent's again.
    upstream.destroy();
  });
  // Not by pipeline, which would end the client's connection, and with it the way for an answer.
  const leave = () => {
    request.unpipe(upstream);
    // What is left of a body stands before the client's next request.
    request.resume();
  };
  // A GET's body means nothing, and node would send it unframed.
  if (method === "POST") request.pipe(upstream);
  else upstream.end();
}

/** Names and values in turn, as they came, without those that are for one hop. */
function endToEnd(message: IncomingMessage): string[] {
  const named = message.headers.connection?.toLowerCase().split(/\s*,\s*/) ?? [];
  const dropped = new Set([...HOP_BY_HOP, ...named]);
  if (message.method === "GET") dropped.add("content-length");
  const { rawHeaders } = message;
  return rawHeaders.filter((_, index) => !dropped.has((rawHeaders[index & ~1] ?? "").toLowerCase()));
}
