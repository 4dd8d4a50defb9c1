import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import { urlOf } from "../listening.ts";
import type { HttpSurface } from "./http.ts";
import type { GatewaySettings } from "./parts.ts";

/** Descriptors that are not clients': listeners, the store, logs, and connections on their way in and out. */
const RESERVED_FILES = 1_000;
/** How often node looks for requests that take too long. */
const CHECK_EVERY_MS = 1_000;
/** Between two requests of a connection. */
const CLIENT_IDLE_MS = 5_000;
/**
 * Above what balancers keep an idle connection (Google's: 600 s), for the side that asks must be the one that closes: a
 * request that meets the end of its connection is a 502.
 */
const PROXY_IDLE_MS = 620_000;

/** The smaller of `max-connections` and what the limit of open files leaves; at least 1. */
export function effectiveMaxConnections(maxConnections: number): number {
  const openFiles = openFilesLimit();
  return openFiles === null
    ? maxConnections
    : Math.max(1, Math.min(maxConnections, openFiles - RESERVED_FILES));
}

/** RLIMIT_NOFILE; null: unlimited, or the system doesn't tell. */
function openFilesLimit(): number | null {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return limit === undefined ? null : Number(limit);
  } catch {
    return null;
  }
}

export interface Listener {
  readonly server: Server;
  /** Sockets that are open, whatever they carry. */
  readonly size: number;
  /** Stops listening and drops every socket, whatever it carries. */
  close(): Promise<void>;
}

/** A server that gives no one more than `connect-timeout` for a request. */
export function createListener(
  settings: GatewaySettings,
  surface: HttpSurface,
  maxConnections: number,
): Listener {
  const options = {
    headersTimeout: settings.connectTimeout,
    requestTimeout: settings.connectTimeout,
    connectionsCheckingInterval: Math.min(CHECK_EVERY_MS, settings.connectTimeout),
    noDelay: true,
    keepAliveTimeout: settings.trustedProxies.length > 0 ? PROXY_IDLE_MS : CLIENT_IDLE_MS,
  };
  const { tlsCert, tlsKey } = settings;
  const server =
    tlsCert !== null && tlsKey !== null
      ? createHttpsServer({ ...options, cert: tlsCert, key: tlsKey })
      : createHttpServer(options);
  // Some more than connections: they are told that the hub is full, instead of being dropped.
  server.maxConnections = maxConnections + RESERVED_FILES / 2;
  server.on("request", surface.request);
  server.on("upgrade", surface.upgrade);
  return watchSockets(server);
}

/** Knows the sockets of a server that has not begun to listen yet, so that it can be stopped whatever they carry. */
export function watchSockets(server: Server): Listener {
  // Node forgets a socket at its upgrade; a close must find all of them.
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    // Node looks only at connections that it accepted itself.
    if (sockets.size >= server.maxConnections) {
      server.emit("drop");
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return {
    server,
    get size() {
      return sockets.size;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Where clients reach a public listener. */
export function publicUrlOf(
  { tlsCert, host }: Pick<GatewaySettings, "tlsCert" | "host">,
  port: number,
): string {
  return urlOf(tlsCert === null ? "http" : "https", host, port);
}
