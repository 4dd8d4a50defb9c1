import { rm } from "node:fs/promises";
import { createServer } from "node:http";
import { HubError } from "../errors.ts";
import { listen } from "../listening.ts";
import { refuse, refuseUpgrade } from "./answers.ts";
import { type HttpSurface, isWebSocketPath } from "./http.ts";
import { type Listener, watchSockets } from "./listener.ts";
import { offersWebSocket } from "./other-upgrade.ts";
import type { GatewayParts } from "./parts.ts";
import { sessionIdIn, targetOf } from "./requests.ts";

/** A burst of upgrades while this process is busy; Linux refuses a connection above it at once. */
const BACKLOG = 4_096;

/**
 * What other gateways pass on to this one, over its Unix socket: Socket.IO's requests and upgrades that name a session,
 * and nothing else. Origins were looked at where they came in. Rejects with the system's error when it can't listen.
 */
export async function listenForPeers(
  parts: GatewayParts,
  socketio: HttpSurface,
): Promise<Pick<Listener, "close">> {
  const { peers, settings } = parts;
  if (peers === null) return { close: async () => {} };
  const server = createServer({
    headersTimeout: settings.connectTimeout,
    requestTimeout: settings.connectTimeout,
    // Closed by the side that asks alone, or a request could meet the end of its connection.
    keepAliveTimeout: 0,
    // A client of HTTP/1.0 names none.
    requireHostHeader: false,
  });
  server.on("request", (request, response) => {
    if (namesSession(request)) socketio.request(request, response);
    else refuse(response, new HubError("not_found"));
  });
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    if (offersWebSocket(request) && namesSession(request)) socketio.upgrade(request, socket, head);
    else refuseUpgrade(socket, new HubError("not_found"));
  });
  const path = peers.socketPathOf(peers.ownTag);
  // The tag is ours alone, so one that is there was left by a hub that is gone.
  await rm(path, { force: true });
  const listener = watchSockets(server);
  // Exclusive, since a cluster's worker would else have its primary listen.
  await listen(server, { path, exclusive: true, backlog: BACKLOG });
  return listener;
}

function namesSession(request: Parameters<HttpSurface["request"]>[0]): boolean {
  const { path, query } = targetOf(request);
  return isWebSocketPath(path) && query.has("EIO") && sessionIdIn(query) !== null;
}
