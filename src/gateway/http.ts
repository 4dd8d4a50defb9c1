import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { assertAlive } from "../alive.ts";
import { isId } from "../domain/ids.ts";
import type { ConnectionKind } from "../engine/presence.ts";
import { HubError } from "../errors.ts";
import type { FixedAnswer } from "../fixed-answer.ts";
import { refuse, refuseUpgrade } from "./answers.ts";
import { descriptions } from "./descriptions.ts";
import type { DevEntrance } from "./dev.ts";
import { offersWebSocket, serveWithoutUpgrade } from "./other-upgrade.ts";
import type { GatewayParts } from "./parts.ts";
import { MODE_HEADER, type PollingEntrance } from "./polling.ts";
import { type Target, targetOf } from "./requests.ts";
import type { SocketIoEntrance } from "./socketio.ts";
import type { SseEntrance } from "./sse.ts";
import type { WebSocketEntrance } from "./websocket.ts";

const WEBSOCKET_PATH = "/ws/upload-progress";
const PROGRESS_PATH = "/api/v1/upload-progress";

export interface Entrances {
  readonly socketio: SocketIoEntrance;
  readonly websocket: WebSocketEntrance;
  readonly sse: SseEntrance;
  readonly polling: PollingEntrance;
  /** Of `--ui`, by path; empty: there is none. */
  readonly pages: ReadonlyMap<string, FixedAnswer>;
  /** null: not with `--dev`. */
  readonly dev: DevEntrance | null;
}

export interface HttpSurface {
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

type Handler = (request: IncomingMessage, response: ServerResponse, target: Target) => void;

interface Route {
  /** Beside OPTIONS, which every path answers. */
  readonly methods: readonly string[];
  readonly handle: Handler;
}

/** The public listener: which path goes where, for whom (origins), and what is answered when nothing fits. */
export function createHttpSurface(parts: GatewayParts, entrances: Entrances): HttpSurface {
  const { admission, engine, handshakes } = parts;

  /** Throws HubError `origin_not_allowed`. */
  function originOf(request: IncomingMessage): string | null {
    try {
      return admission.originOf(request);
    } catch (error) {
      const transport = transportOf(request);
      if (transport !== null) handshakes.refused(transport, error, request);
      throw error;
    }
  }

  const progress =
    (jobId: string | null): Handler =>
    (request, response, target) =>
      void (wantsJson(request) ? entrances.polling : entrances.sse)(request, response, target, jobId);

  function routeOf({ path, query }: Target): Route | null {
    if (path === PROGRESS_PATH) return { methods: ["GET"], handle: progress(null) };
    if (path.startsWith(`${PROGRESS_PATH}/`)) {
      const jobId = decoded(path.slice(PROGRESS_PATH.length + 1));
      // What can't be a job id is no path either; it must not wait for a job that never comes.
      return { methods: ["GET"], handle: isId(jobId) ? progress(jobId) : noSuchJob };
    }
    if (isWebSocketPath(path)) {
      if (query.has("EIO")) return { methods: ["GET", "POST"], handle: entrances.socketio.request };
      return { methods: ["GET"], handle: needsUpgrade };
    }
    if (path === "/healthz") return { methods: ["GET", "HEAD"], handle: alive };
    if (path === "/readyz") return { methods: ["GET", "HEAD"], handle: ready };
    if (entrances.dev !== null && path === "/dev/session")
      return { methods: ["GET"], handle: entrances.dev.session };
    if (entrances.dev !== null && path === "/dev/uploads")
      return { methods: ["POST"], handle: entrances.dev.uploads };
    const file = descriptions.get(path) ?? entrances.pages.get(path);
    return file === undefined ? null : { methods: ["GET", "HEAD"], handle: file };
  }

  const alive: Handler = (_request, response) => {
    assertAlive(parts.unlinkedMs(), "There has been no link to the core");
    answerOk(response);
  };

  const ready: Handler = (_request, response) => {
    const health = engine.health();
    if (admission.isDraining || health.reason === "draining") refuse(response, new HubError("draining"));
    else if (!health.ready) refuse(response, new HubError("store_unavailable", health.reason ?? undefined));
    else answerOk(response);
  };

  const serve: HttpSurface["request"] = (request, response) => {
    // The next request of its connection then goes to a gateway that stays.
    if (admission.isDraining) response.shouldKeepAlive = false;
    try {
      const origin = originOf(request);
      if (origin !== null) allowOrigin(response, origin);
      const target = targetOf(request);
      const route = routeOf(target);
      if (route === null) throw new HubError("not_found");
      const allow = [...route.methods, "OPTIONS"].join(", ");
      if (request.method === "OPTIONS") answerOptions(response, allow, origin);
      else if (route.methods.includes(request.method ?? "")) route.handle(request, response, target);
      else refuse(response, new HubError("method_not_allowed"), { Allow: allow });
    } catch (error) {
      refuse(response, error);
    }
  };

  return {
    request: serve,

    upgrade(request, socket, head) {
      // Until a WebSocket takes the socket over, a reset would be an uncaught error.
      socket.on("error", () => socket.destroy());
      if (!offersWebSocket(request)) {
        serveWithoutUpgrade(request, socket, head, serve);
        return;
      }
      try {
        originOf(request);
        const target = targetOf(request);
        if (!isWebSocketPath(target.path)) throw new HubError("not_found");
        if (target.query.has("EIO")) entrances.socketio.upgrade(request, socket, head, target);
        else void entrances.websocket.upgrade(request, socket, head, target);
      } catch (error) {
        refuseUpgrade(socket, error);
      }
    },
  };
}

const noSuchJob: Handler = (_request, response) => refuse(response, new HubError("job_not_found"));

const needsUpgrade: Handler = (_request, response) =>
  refuse(
    response,
    new HubError("bad_request", "This path wants a WebSocket upgrade, or a Socket.IO client."),
  );

function answerOk(response: ServerResponse): void {
  response
    .writeHead(200, { "Content-Type": "application/json", "Cache-Control": "no-store" })
    .end('{"status":"ok"}');
}

/** Socket.IO's clients ask with a slash at the end. */
export function isWebSocketPath(path: string): boolean {
  return path === WEBSOCKET_PATH || path === `${WEBSOCKET_PATH}/`;
}

/** What a request would have been, had its origin been allowed; null: no way in. */
function transportOf(request: IncomingMessage): ConnectionKind | null {
  const { path, query } = targetOf(request);
  if (isWebSocketPath(path)) return query.has("EIO") ? "socketio" : "websocket";
  if (path !== PROGRESS_PATH && !path.startsWith(`${PROGRESS_PATH}/`)) return null;
  return wantsJson(request) ? "polling" : "sse";
}

/** EventSource says text/event-stream; curl says anything, which gives a stream. */
function wantsJson({ headers }: IncomingMessage): boolean {
  const accept = (headers.accept ?? "").toLowerCase();
  return accept.includes("application/json") && !accept.includes("text/event-stream");
}

function allowOrigin(response: ServerResponse, origin: string): void {
  response.setHeader("Access-Control-Allow-Origin", origin);
  response.setHeader("Access-Control-Allow-Credentials", "true");
  response.setHeader("Access-Control-Expose-Headers", `ETag, Retry-After, ${MODE_HEADER}`);
  response.setHeader("Vary", "Origin");
}

/** Fetch standard, "CORS-preflight fetch". */
function answerOptions(response: ServerResponse, allow: string, origin: string | null): void {
  const preflight = {
    "Access-Control-Allow-Methods": allow,
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match, Last-Event-ID",
    "Access-Control-Max-Age": "600",
  };
  response.writeHead(204, { Allow: allow, ...(origin !== null && preflight) }).end();
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
