import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { asyncapi } from "./asyncapi.ts";
import { openapi } from "./openapi.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** The machine-readable descriptions, open to everybody: GET and HEAD of each path. */
export const descriptions: ReadonlyMap<string, Handler> = new Map([
  ["/openapi.json", answerWith(openapi)],
  ["/asyncapi.json", answerWith(asyncapi)],
]);

/** Answers with the document, or 304 to whom has it (RFC 9110 section 13.1.2). */
function answerWith(document: object): Handler {
  const body = Buffer.from(JSON.stringify(document));
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  // With CORS the answer differs by origin, so a cache between must not mix them up.
  const caching = { ETag: etag, "Cache-Control": "public, max-age=300", Vary: "Origin" };
  return (request, response) => {
    if (request.headers["if-none-match"]?.includes(etag) === true) {
      response.writeHead(304, caching).end();
      return;
    }
    const headers = { ...caching, "Content-Type": "application/json", "Content-Length": body.length };
    response.writeHead(200, headers).end(body);
  };
}
