import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { WebSocketServer } from "ws";
import { httpTokenOf } from "../../src/auth/extract.ts";
import {
  type BareConnection,
  type BareConnections,
  type Encoded,
  sseChunk,
  webSocketFrames,
} from "./bare-connections.ts";

const SYNCED: Encoded = {
  type: "synced",
  id: "bare-0",
  json: '{"type":"synced","mode":"snapshot","id":"bare-0"}',
};

/** The public listener: native WebSocket and SSE, each told `synced` first. */
export function createBareListener(connections: BareConnections): Server {
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: 4_096,
  });
  const server = createServer((request, response) => {
    if (pathOf(request) !== "/api/v1/upload-progress") response.writeHead(404).end();
    else openStream(connections, request, response);
  });
  server.on("upgrade", (request, socket, head) => {
    const userId = userOf(request);
    if (pathOf(request) !== "/ws/upload-progress" || userId === null) {
      // Whom it refuses may be gone already.
      socket.on("error", () => {});
      socket.end(
        `HTTP/1.1 ${userId === null ? "401 Unauthorized" : "404 Not Found"}\r\nConnection: close\r\n\r\n`,
      );
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (client) => {
      const left = join(connections, userId, { wire: webSocketFrames, socket });
      client.on("close", left);
      // Its socket is closed then, which is told above.
      client.on("error", () => {});
    });
  });
  return server;
}

function openStream(connections: BareConnections, request: IncomingMessage, response: ServerResponse): void {
  const userId = userOf(request);
  const { socket } = response;
  if (userId === null || socket === null) {
    response.writeHead(401).end();
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache, no-transform" });
  // From here on chunks are written to the socket, past the response.
  response.flushHeaders();
  response.on("close", join(connections, userId, { wire: sseChunk, socket }));
}

/** Gives back what is to be called when the client has left. */
function join(connections: BareConnections, userId: string, connection: BareConnection): () => void {
  connection.socket.write(connection.wire([SYNCED]));
  connections.add(userId, connection);
  return () => connections.remove(userId, connection);
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "";
}

/** The subject of the token, which is believed without a look at its signature; null: there is none. */
function userOf({ headers, url = "" }: IncomingMessage): string | null {
  const payload = httpTokenOf({ headers, url })?.split(".")[1] ?? "";
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString());
    const isNamed = typeof claims === "object" && claims !== null && "sub" in claims;
    return isNamed && typeof claims.sub === "string" ? claims.sub : null;
  } catch {
    return null;
  }
}
