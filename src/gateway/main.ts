import type { Logger } from "pino";
import type { Server } from "socket.io";
import type { Revocations } from "../auth/revocations.ts";
import type { Verifier } from "../auth/verify.ts";
import type { Engine } from "../engine/contract.ts";
import type { GatewayOrders, Presence } from "../engine/presence.ts";
import { type HandedOver, listen, serveHandedOver } from "../listening.ts";
import { readPage } from "../pages.ts";
import { Admission } from "./admission.ts";
import { ClientAddress } from "./client-address.ts";
import { ConnectionLog } from "./connection-log.ts";
import { createDevEntrance } from "./dev.ts";
import { drainConnections } from "./drain.ts";
import { Handshakes } from "./handshakes.ts";
import { createHttpSurface } from "./http.ts";
import { createListener, effectiveMaxConnections, type Listener, publicUrlOf } from "./listener.ts";
import type { GatewayParts, GatewaySettings } from "./parts.ts";
import { PassOn } from "./pass-on.ts";
import { PassedOnCounts } from "./passed-on-counts.ts";
import { listenForPeers } from "./peer-listener.ts";
import type { Peers } from "./peers.ts";
import { createPollingEntrance } from "./polling.ts";
import { Pressure } from "./pressure.ts";
import { type ConnectionCounts, Registry } from "./registry.ts";
import { createSocketIoEntrance } from "./socketio.ts";
import { createSseEntrance } from "./sse.ts";
import { Traffic } from "./traffic.ts";
import { createWebSocketEntrance } from "./websocket.ts";
import { Wheel } from "./wheel.ts";

export interface GatewayStats {
  /** Times a connection was held because it read too slowly, since the start. */
  readonly slowHolds: number;
  /** Connections held at present. */
  readonly held: number;
  /** Connections closed with 4408, since the start. */
  readonly slowCloses: number;
  /** Bytes written that the kernel has not taken, over all connections, at present. */
  readonly bufferedBytes: number;
  /** What was passed on to the gateways that have its sessions. */
  readonly passedOn: PassedOnStats;
}

/** Not among this gateway's connections: each is one of the gateway that has its session. */
type PassedOnStats = Readonly<Omit<PassedOnCounts, "descriptors">> & {
  /** Bytes of upgrades that clients have not taken, at present. */
  readonly bufferedBytes: number;
};

export interface Gateway {
  /** `http://HOST:PORT`, with the real port where 0 was asked for. */
  readonly publicUrl: string;
  readonly connections: ConnectionCounts;
  readonly stats: GatewayStats;
  readonly traffic: Traffic;
  readonly handshakes: Handshakes;
  /** For whoever extends the server. */
  readonly io: Server;
  /** Not ready any more; sends everybody away within the time (absent: `drain-timeout`), then closes. */
  drain(timeoutMs?: number): Promise<void>;
  /** Drops everybody and frees the port. */
  close(): Promise<void>;
}

export interface GatewayOptions {
  readonly settings: GatewaySettings;
  readonly engine: Engine;
  /** Where connections are told of, and orders about them come from; called once. */
  readonly attachPresence: (orders: GatewayOrders) => Presence;
  readonly verifier: Verifier;
  readonly log: Logger;
  /** As logs and admin routes call it; absent: `gateway`. */
  readonly name?: string;
  /** Connections that another process accepts; absent: it listens itself. */
  readonly connections?: HandedOver;
  /** The other gateways of this machine, so that none of them needs sticky sessions; null or absent: alone. */
  readonly peers?: Peers | null;
  /** Makes Socket.IO's own calls, such as `fetchSockets`, true in all workers of a node cluster; only in a worker. */
  readonly clusterAdapter?: boolean;
  /** How long there has been no link to the core; absent: it is in this process. */
  readonly unlinkedMs?: () => number;
  /** Where `--dev` sends simulated uploads; absent: there are none. */
  readonly internalUrl?: string;
}

/** Rejects with the system's error when it can't listen, such as EADDRINUSE. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { settings, engine, attachPresence, verifier, log, peers = null, clusterAdapter = false } = options;
  const { name = "gateway" } = options;
  const maxConnections = effectiveMaxConnections(settings.maxConnections);
  log.debug({ maxConnections, asked: settings.maxConnections }, "connections this gateway takes");

  const registry = new Registry(maxConnections, attachPresence);
  const wheel = new Wheel(tickMsOf(settings));
  const pressure = new Pressure(settings.maxBuffered);
  const passedOn = new PassedOnCounts();
  const admission = new Admission(verifier, registry, settings.corsOrigins, passedOn);
  const traffic = new Traffic();
  const addresses = new ClientAddress(settings.trustedProxies);
  const handshakes = new Handshakes(log, addresses);
  const connectionLog = new ConnectionLog(log, name);
  const ways = { registry, wheel, pressure, admission, traffic, handshakes, addresses, connectionLog };
  const unlinkedMs = options.unlinkedMs ?? (() => 0);
  const parts: GatewayParts = { settings, engine, ...ways, peers, log, unlinkedMs };

  const passOn = new PassOn(parts, passedOn);
  const socketio = createSocketIoEntrance(parts, passOn, clusterAdapter);
  const websocket = createWebSocketEntrance(parts);
  const sse = createSseEntrance(parts);
  const polling = createPollingEntrance(parts);

  const pages = settings.ui ? readPage("uploads") : new Map<string, never>();
  const { internalUrl } = options;
  const dev =
    settings.dev && internalUrl !== undefined
      ? createDevEntrance({ settings, internalUrl, admission, log })
      : null;

  const surface = createHttpSurface(parts, { socketio, websocket, sse, polling, pages, dev });
  const listener = createListener(settings, surface, maxConnections);
  listener.server.on("drop", () => log.warn({ maxConnections }, "dropped a connection: the gateway is full"));
  // First: a session must not be named to a client before others can reach it.
  const peerListener = await listenForPeers(parts, socketio.forPeers);
  const port = await accept(listener, options).catch(async (error: unknown) => {
    await peerListener.close();
    throw error;
  });
  const publicUrl = publicUrlOf(settings, port);

  wheel.everyTick(() => pressure.shed());
  wheel.everyTick(() => passOn.shed(Math.max(0, settings.maxBuffered - pressure.totalBytes)));
  wheel.everyTick(onRevocation(verifier.revocations, registry));
  wheel.start();

  const close = async () => {
    admission.drain();
    dev?.close();
    for (const member of registry.members()) member.terminate();
    passOn.close();
    websocket.close();
    await socketio.close();
    await peerListener.close();
    await listener.close();
    wheel.stop();
  };

  return {
    publicUrl,
    get connections() {
      return registry.counts;
    },
    get stats() {
      const { slowHolds, held, slowCloses, totalBytes } = pressure;
      return {
        ...{ slowHolds, held, slowCloses, bufferedBytes: totalBytes },
        passedOn: { ...passedOn, bufferedBytes: passOn.bufferedBytes() },
      };
    },
    traffic,
    handshakes,
    io: socketio.io,
    async drain(timeoutMs = settings.drainTimeout) {
      admission.drain();
      listener.server.closeIdleConnections();
      await drainConnections(() => [...registry.members(), ...passOn.leaving()], timeoutMs);
      await close();
    },
    close,
  };
}

/** Resolves with the port. Rejects with the system's error when it can't listen, such as EADDRINUSE. */
async function accept(listener: Listener, { settings, connections }: GatewayOptions): Promise<number> {
  if (connections === undefined) return listen(listener.server, { host: settings.host, port: settings.port });
  serveHandedOver(listener.server, connections, () => listener.size);
  return settings.port;
}

/** Looks through everybody once a tick at most, however many tokens are revoked. */
function onRevocation(revocations: Revocations, registry: Registry): () => void {
  let seen = 0;
  return () => {
    if (revocations.version === seen) return;
    seen = revocations.version;
    registry.endRevoked(revocations);
  };
}

/** Fine enough for the shortest of its deadlines, and no finer than 10 ms. */
function tickMsOf(settings: GatewaySettings): number {
  const shortestMs = Math.min(
    settings.heartbeatInterval,
    settings.heartbeatTimeout,
    settings.sseMaxAge,
    settings.slowTimeout,
  );
  return Math.max(10, Math.min(100, Math.floor(shortestMs / 5)));
}
