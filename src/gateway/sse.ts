import type { IncomingMessage, ServerResponse } from "node:http";
import { httpTokenOf } from "../auth/extract.ts";
import type { Identity } from "../auth/verify.ts";
import { errorCatalogue } from "../errors.ts";
import { hubErrorOf, refuse } from "./answers.ts";
import { Connection, type ConnectionLimits } from "./connection.ts";
import type { GatewayParts } from "./parts.ts";
import { requestedEventId, seqOf, type Target } from "./requests.ts";
import { STREAM_HEADERS } from "./sse-session.ts";
import { retryBlockOf, SseTransport } from "./sse-transport.ts";
import { spread } from "./transport.ts";

/** Answers a request for an event stream; `jobId` null: all jobs of the user. */
export type SseEntrance = (
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  jobId: string | null,
) => Promise<void>;

export function createSseEntrance(parts: GatewayParts): SseEntrance {
  const { settings, admission, engine, handshakes, addresses } = parts;
  const limits: ConnectionLimits = {
    slowBufferBytes: settings.slowBuffer,
    slowTimeoutMs: settings.slowTimeout,
    heartbeatMs: settings.heartbeatInterval,
    pongTimeoutMs: null,
    maxAgeMs: settings.sseMaxAge,
  };

  /** HTML, "Server-sent events": 204 tells EventSource to stop. */
  async function hasNothingMore(identity: Identity, jobId: string, lastEventId: string): Promise<boolean> {
    const page = await engine.read({
      userId: identity.userId,
      jobId,
      from: { kind: "start", lastEventId },
    });
    if (page.job === null) return true;
    const sawTheEnd = page.job.ended && seqOf(lastEventId) >= page.job.endedSeq;
    return sawTheEnd && page.mode === "resumed" && page.messages.length === 0;
  }

  return async (request, response, { query }, jobId) => {
    try {
      admission.assertOpen();
      const token = httpTokenOf({ headers: request.headers, url: request.url ?? "" });
      const identity = await admission.authenticate(token);
      const lastEventId = requestedEventId(request, query);
      if (jobId !== null && lastEventId !== null && (await hasNothingMore(identity, jobId, lastEventId))) {
        handshakes.ok("sse");
        response.writeHead(204).end();
        return;
      }
      if (response.destroyed) return;
      handshakes.ok("sse");
      const transport = new SseTransport(response);
      const connection = new Connection(transport, identity, parts, limits);
      transport.onConnected(() => {
        if (!response.destroyed) connection.start(jobId, lastEventId, addresses.of(request));
      });
    } catch (error) {
      handshakes.refused("sse", error, request);
      refuseStream(response, error);
    }
  };
}

/** EventSource gives up for good on any status but 200, so what is worth another try is an empty stream. */
function refuseStream(response: ServerResponse, error: unknown): void {
  const refusal = hubErrorOf(error);
  if (!errorCatalogue[refusal.code].retryable || response.headersSent) {
    refuse(response, refusal);
    return;
  }
  response.writeHead(200, STREAM_HEADERS).end(retryBlockOf(spread(2_000, 15_000)));
}
