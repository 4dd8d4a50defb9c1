import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { createAdapter } from "@socket.io/cluster-adapter";
import { Server, type Socket } from "socket.io";
import { socketIoTokenOf } from "../auth/extract.ts";
import type { Identity } from "../auth/verify.ts";
import { errorCatalogue, HubError } from "../errors.ts";
import { hubErrorOf, refuse, refuseUpgrade } from "./answers.ts";
import { Connection } from "./connection.ts";
import type { HttpSurface } from "./http.ts";
import type { GatewayParts } from "./parts.ts";
import type { PassOn } from "./pass-on.ts";
import { jobIdOf, lastEventIdOf, sessionIdIn, type Target } from "./requests.ts";
import { createSocketIoEngine } from "./socketio-engine.ts";
import { SocketIoTransport } from "./socketio-transport.ts";
import { endingOf } from "./transport.ts";
import { MAX_CLIENT_FRAME_BYTES } from "./websocket-server.ts";

/** Socket.IO on a path that is not its alone: requests and upgrades are handed to its engine one by one. */
export interface SocketIoEntrance {
  request(request: IncomingMessage, response: ServerResponse, target: Target): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, target: Target): void;
  /** The same for what other gateways have passed on: sessions of this one, or of none. */
  readonly forPeers: HttpSurface;
  readonly io: Server;
  close(): Promise<void>;
}

/** What a socket was let in with, between the middleware and the connection. */
interface Pass {
  readonly identity: Identity;
  readonly jobId: string | null;
  readonly lastEventId: string | null;
}

/** `clusterAdapter`: Socket.IO's own calls reach all workers of a node cluster; only in one of them. */
export function createSocketIoEntrance(
  parts: GatewayParts,
  passOn: PassOn,
  clusterAdapter: boolean,
): SocketIoEntrance {
  const { settings, admission, registry, peers, handshakes, addresses } = parts;
  if (clusterAdapter && process.send === undefined) {
    throw new Error("clusterAdapter: this process is no worker of a node cluster");
  }
  const engine = createSocketIoEngine(settings, peers);
  const io = new Server({
    serveClient: false,
    connectTimeout: settings.connectTimeout,
    ...(clusterAdapter && { adapter: createAdapter() }),
  });
  io.bind(engine);
  const passes = new WeakMap<Socket, Pass>();
  const limits = {
    slowBufferBytes: settings.slowBuffer,
    slowTimeoutMs: settings.slowTimeout,
    heartbeatMs: null,
    pongTimeoutMs: null,
    maxAgeMs: null,
  };

  io.use((socket, next) => {
    passOf(socket).then(
      (pass) => {
        passes.set(socket, pass);
        next();
      },
      (error: unknown) => {
        handshakes.refused("socketio", error, socket.request);
        const refusal = hubErrorOf(error);
        // A connect_error is for good to the stock client; from a lost engine connection it comes back.
        if (errorCatalogue[refusal.code].retryable) socket.conn.close();
        next(connectErrorOf(refusal));
      },
    );
  });
  const taken = new WeakSet<Socket["conn"]>();
  io.on("connection", (socket) => {
    const pass = passes.get(socket);
    // Two CONNECT packets in one go would share one engine connection.
    if (pass === undefined || taken.has(socket.conn)) {
      socket.conn.close();
      return;
    }
    taken.add(socket.conn);
    handshakes.ok("socketio");
    passes.delete(socket);
    const address = addresses.of(socket.request);
    forgetRequest(socket);
    const connection = new Connection(new SocketIoTransport(socket), pass.identity, parts, limits);
    // Not refused by ws: its close frame would leave no way to say `closing` first.
    socket.conn.on("data", (data: string | Buffer) => {
      if (Buffer.byteLength(data) > MAX_CLIENT_FRAME_BYTES) connection.end(endingOf("frame_too_large"));
    });
    socket.on("refresh", (body: unknown, answer: unknown) => void refresh(connection, body, answer));
    connection.start(pass.jobId, pass.lastEventId, address);
  });

  async function passOf(socket: Socket): Promise<Pass> {
    const { auth, headers, url } = socket.handshake;
    admission.assertOpen();
    const identity = await admission.authenticate(socketIoTokenOf(auth, { headers, url }));
    const { jobId, lastEventId }: Record<string, unknown> = auth;
    return { identity, jobId: jobIdOf(jobId), lastEventId: lastEventIdOf(lastEventId) };
  }

  /** Throws HubError: what a handshake can be refused for before Socket.IO knows of it. */
  function assertAcceptable(request: IncomingMessage, target: Target): void {
    try {
      assertOffered(target);
    } catch (error) {
      // Later requests of a session are no handshakes.
      if (sessionIdIn(target.query) === null) handshakes.refused("socketio", error, request);
      throw error;
    }
  }

  function assertOffered({ query }: Target): void {
    const transport = query.get("transport") ?? "";
    if (
      ["websocket", "polling"].includes(transport) &&
      !settings.transports.some((name) => name === transport)
    ) {
      throw new HubError(
        "transport_disabled",
        `The hub runs with --transports ${settings.transports.join(",")}, this request is ${transport}. ` +
          `Connect with transports: ${JSON.stringify(settings.transports)}.`,
      );
    }
    if (sessionIdIn(query) !== null) return;
    admission.assertOpen(engine.clientsCount - registry.counts.socketio);
  }

  /** Never passes anything on; a session that is not here is unknown, as engine.io says it. */
  const here: HttpSurface = {
    request(request, response) {
      try {
        engine.handleRequest(request, response);
      } catch (error) {
        refuse(response, error);
      }
    },
    upgrade(request, socket, head) {
      try {
        engine.handleUpgrade(request, socket, head);
      } catch (error) {
        refuseUpgrade(socket, error);
      }
    },
  };

  return {
    request(request, response, target) {
      try {
        assertAcceptable(request, target);
        const serveHere = () => here.request(request, response);
        const owner = passOn.ownerOf(target);
        if (owner === null) serveHere();
        else passOn.request(owner, request, response, serveHere);
      } catch (error) {
        refuse(response, error);
      }
    },
    upgrade(request, socket, head, target) {
      try {
        assertAcceptable(request, target);
        const serveHere = () => here.upgrade(request, socket, head);
        const owner = passOn.ownerOf(target);
        if (owner === null) serveHere();
        else passOn.upgrade(owner, request, socket, head, serveHere);
      } catch (error) {
        refuseUpgrade(socket, error);
      }
    },
    forPeers: here,
    io,
    close: () => io.close(),
  };
}

/** Headers and token of the handshake are not needed any more, and are most of a connection's memory. */
function forgetRequest(socket: Socket): void {
  socket.handshake.headers = {};
  socket.handshake.auth = {};
  socket.handshake.query = {};
  socket.handshake.url = "";
  Reflect.set(socket.conn, "request", null);
}

function connectErrorOf(error: HubError): Error {
  const { retryable } = errorCatalogue[error.code];
  return Object.assign(new Error(error.message), { data: { code: error.code, retryable } });
}

async function refresh(connection: Connection, body: unknown, answer: unknown): Promise<void> {
  const token = typeof body === "object" && body !== null && "token" in body ? body.token : null;
  const result = await connection.refresh(token);
  if (typeof answer === "function") answer(result);
}
