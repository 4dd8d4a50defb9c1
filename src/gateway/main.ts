import type { Logger } from "pino";
import type { Verifier } from "../auth/verify.ts";
import { type HandedOver, serveHandedOver } from "../cluster/handed-over.ts";
import type { Engine } from "../engine/contract.ts";
import type { GatewayOrders, Presence } from "../engine/presence.ts";
import { Admission } from "./admission.ts";
import { drainConnections } from "./drain.ts";
import { createHttpSurface } from "./http.ts";
import { createListener, effectiveMaxConnections, listen, publicUrlOf } from "./listener.ts";
import type { GatewayParts, GatewaySettings } from "./parts.ts";
import { createPollingEntrance } from "./polling.ts";
import { Pressure } from "./pressure.ts";
import { type ConnectionCounts, Registry } from "./registry.ts";
import { createSocketIoEntrance } from "./socketio.ts";
import { createSseEntrance } from "./sse.ts";
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
}

export interface Gateway {
  /** `http://HOST:PORT`, with the real port where 0 was asked for. */
  readonly publicUrl: string;
  readonly connections: ConnectionCounts;
  readonly stats: GatewayStats;
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
  /** Connections that another process accepts; absent: it listens itself. */
  readonly connections?: HandedOver;
}

/** Rejects with the system's error when it can't listen, such as EADDRINUSE. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { settings, engine, attachPresence, verifier, log } = options;
  const maxConnections = effectiveMaxConnections(settings.maxConnections);
  log.info({ maxConnections, asked: settings.maxConnections }, "connections this gateway takes");

  const registry = new Registry(maxConnections, attachPresence);
  const wheel = new Wheel(tickMsOf(settings));
  const pressure = new Pressure(settings.maxBuffered);
  const admission = new Admission(verifier, registry, settings.corsOrigins);
  const parts: GatewayParts = { settings, engine, registry, wheel, pressure, admission, log };

  const socketio = createSocketIoEntrance(parts);
  const websocket = createWebSocketEntrance(parts);
  const sse = createSseEntrance(parts);
  const polling = createPollingEntrance(parts);

  const surface = createHttpSurface(parts, { socketio, websocket, sse, polling });
  const listener = createListener(settings, surface, maxConnections);
  listener.server.on("drop", () => log.warn({ maxConnections }, "dropped a connection: the gateway is full"));
  let { port } = settings;
  if (options.connections === undefined) port = await listen(listener.server, settings);
  else serveHandedOver(listener.server, options.connections, () => listener.size);
  const publicUrl = publicUrlOf(settings, port);

  wheel.everyTick(() => pressure.shed());
  wheel.start();

  const close = async () => {
    admission.drain();
    for (const member of registry.members()) member.terminate();
    websocket.close();
    await socketio.close();
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
      return { slowHolds, held, slowCloses, bufferedBytes: totalBytes };
    },
    async drain(timeoutMs = settings.drainTimeout) {
      admission.drain();
      await drainConnections(registry, timeoutMs);
      await close();
    },
    close,
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
