import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { eventsOf, type UploadEvent } from "./events.ts";

export interface Taken {
  readonly accepted: number;
  readonly unchanged: number;
}

export interface PublishOptions {
  /** Called with the header `Authorization`. */
  readonly isAllowed: (authorization: string | undefined) => boolean;
  readonly take: (events: readonly UploadEvent[]) => Taken;
}

const MAX_BODY_BYTES = 4 * 1_024 * 1_024;
const JSON_TYPE = "application/json; charset=utf-8";

/** The internal listener: `POST /api/v1/events` and nothing else, on plain `node:http`. */
export function createPublishServer({ isAllowed, take }: PublishOptions): Server {
  return createServer((request, response) => {
    if (request.url !== "/api/v1/events" || request.method !== "POST") return answer(response, 404);
    if (!isAllowed(request.headers.authorization)) return answer(response, 401);
    readBody(request, (body) => {
      if (body === null) return answer(response, 413);
      const events = parsed(body);
      if (events === null) return answer(response, 400);
      const { accepted, unchanged } = take(events);
      answer(response, 200, `{"accepted":${accepted},"unchanged":${unchanged},"rejected":[]}`);
    });
  });
}

/** Calls back once with the body, null when it is too large, and not at all when the client goes away before its end. */
function readBody(request: IncomingMessage, then: (body: string | null) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  request.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  });
  request.on("end", () => {
    if (size > MAX_BODY_BYTES) then(null);
    else then((chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))?.toString() ?? "");
  });
}

function parsed(body: string): readonly UploadEvent[] | null {
  try {
    return eventsOf(body);
  } catch {
    return null;
  }
}

function answer(response: ServerResponse, status: number, body = "{}"): void {
  response.writeHead(status, { "content-type": JSON_TYPE, "content-length": Buffer.byteLength(body) });
  response.end(body);
}
