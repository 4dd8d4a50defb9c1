import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { WEBSOCKET_PROTOCOL, webSocketTokenOf } from "../auth/extract.ts";
import { refuseUpgrade } from "./answers.ts";
import { Connection } from "./connection.ts";
import type { GatewayParts } from "./parts.ts";
import { jobIdOf, requestedEventId, type Target } from "./requests.ts";
import { endingOf } from "./transport.ts";
import { HubWebSocketServer } from "./websocket-server.ts";
import { WebSocketTransport } from "./websocket-transport.ts";

/** Native WebSocket: refused before the upgrade, one JSON message a text frame after it. */
export interface WebSocketEntrance {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, target: Target): Promise<void>;
  close(): void;
}

export function createWebSocketEntrance(parts: GatewayParts): WebSocketEntrance {
  const server = new HubWebSocketServer({
    handleProtocols: (offers) => (offers.has(WEBSOCKET_PROTOCOL) ? WEBSOCKET_PROTOCOL : false),
  });
  const { settings, admission, handshakes, addresses } = parts;
  const limits = {
    slowBufferBytes: settings.slowBuffer,
    slowTimeoutMs: settings.slowTimeout,
    heartbeatMs: settings.heartbeatInterval,
    pongTimeoutMs: settings.heartbeatTimeout,
    maxAgeMs: null,
  };

  return {
    async upgrade(request, socket, head, { query }) {
      try {
        admission.assertOpen();
        const jobId = jobIdOf(query.get("jobId"));
        const lastEventId = requestedEventId(request, query);
        const token = webSocketTokenOf({ headers: request.headers, url: request.url ?? "" });
        const identity = await admission.authenticate(token);
        server.handleUpgrade(request, socket, head, (client) => {
          const connection = new Connection(new WebSocketTransport(client, socket), identity, parts, limits);
          handshakes.ok("websocket");
          listen(client, connection);
          connection.start(jobId, lastEventId, addresses.of(request));
        });
      } catch (error) {
        handshakes.refused("websocket", error, request);
        refuseUpgrade(socket, error);
      }
    },
    close: () => server.close(),
  };
}

function listen(client: WebSocket, connection: Connection): void {
  client.on("pong", () => connection.pong());
  // ws has sent its own close code already (1009, 1002, 1007); this makes sure that the socket goes.
  client.on("error", () => connection.end(endingOf("bad_frame")));
  client.on("message", (data, isBinary) => {
    const token = isBinary ? null : refreshTokenOf(data);
    if (token === null) connection.end(endingOf("bad_frame"));
    else void refresh(client, connection, token);
  });
}

/** One at a time: the next frame is not read before the kernel has taken the answer, so answers can't pile up. */
async function refresh(client: WebSocket, connection: Connection, token: string): Promise<void> {
  client.pause();
  const answer = await connection.refresh(token);
  const frame = answer.ok
    ? { type: "refreshed", expiresIn: answer.expiresIn }
    : { type: "refresh_failed", code: answer.code };
  client.send(JSON.stringify(frame), () => client.resume());
}

/** The token of `{"type":"refresh","token"}`; null: any other frame. */
function refreshTokenOf(data: RawData): string | null {
  try {
    const frame: unknown = JSON.parse(data.toString());
    if (typeof frame !== "object" || frame === null) return null;
    if (!("type" in frame) || frame.type !== "refresh" || !("token" in frame)) return null;
    return typeof frame.token === "string" ? frame.token : null;
  } catch {
    return null;
  }
}
