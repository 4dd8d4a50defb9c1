import { Server as EngineServer, type Socket as EngineSocket } from "engine.io";
import type { GatewaySettings } from "./parts.ts";
import { type Peers, sessionIdOf } from "./peers.ts";
import { netSocketOf } from "./socketio-transport.ts";
import { HubWebSocketServer } from "./websocket-server.ts";

/** A CONNECT packet carries the token, which may be as large as in a header; what comes after it is small. */
const MAX_HANDSHAKE_BYTES = 64 * 1_024;

/** Socket.IO's engine; with peers, its session ids say whose they are. */
export function createSocketIoEngine(settings: GatewaySettings, peers: Peers | null): EngineServer {
  const engine = new EngineServer({
    transports: [...settings.transports],
    pingInterval: settings.heartbeatInterval,
    pingTimeout: settings.heartbeatTimeout,
    upgradeTimeout: settings.connectTimeout,
    maxHttpBufferSize: MAX_HANDSHAKE_BYTES,
    perMessageDeflate: false,
    httpCompression: false,
    wsEngine: HubWebSocketServer,
  });
  engine.on("connection", (conn: EngineSocket) => {
    conn.once("close", (reason: string) => {
      // engine.io still says goodbye, to a client that is not there.
      if (reason === "ping timeout") netSocketOf(conn.transport)?.destroy();
    });
  });
  if (peers !== null) {
    const generateId = engine.generateId.bind(engine);
    engine.generateId = async (request) => sessionIdOf(peers.ownTag, await generateId(request));
  }
  return engine;
}
