import { createHash } from "node:crypto";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";

export type FixedAnswer = (request: IncomingMessage, response: ServerResponse) => void;

/** Always these bytes, to GET and HEAD; 304 to whom has them (RFC 9110 section 13.1.2). */
export function fixedAnswer(body: Buffer, headers: OutgoingHttpHeaders): FixedAnswer {
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  const { "Content-Type": contentType, ...others } = headers;
  const always = { ETag: etag, ...others };
  return (request, response) => {
    if (request.headers["if-none-match"]?.includes(etag) === true) {
      response.writeHead(304, always).end();
      return;
    }
    response.writeHead(200, { ...always, "Content-Type": contentType, "Content-Length": body.length });
    response.end(body);
  };
}
