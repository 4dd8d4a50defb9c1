import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type Asked, type FakeLine, tokenOf, type Way } from "./fake-hub/line.ts";
import { pollingLine } from "./fake-hub/polling-line.ts";
import { sseLine } from "./fake-hub/sse-line.ts";
import { webSocketLine } from "./fake-hub/websocket-line.ts";

export type { Way } from "./fake-hub/line.ts";

/** What the hub does with who has come. Doing nothing is a hub that hangs. */
export type Play = (line: FakeLine) => void;

/** Everyone is live at once; who polls and waits is left to wait. */
export const welcome: Play = (line) => {
  if (line.asked.waits) return;
  line.say({ type: "synced", mode: line.asked.lastEventId === null ? "snapshot" : "resumed", id: "a-0" });
};

/** One play for each that comes; the last one again and again. */
export function inTurn(...plays: readonly Play[]): Play {
  let turn = 0;
  return (line) => {
    plays[Math.min(turn, plays.length - 1)]?.(line);
    turn += 1;
  };
}

/** Speaks what a hub speaks, over real HTTP and WebSocket, and plays to each that comes what a test says. */
export interface FakeHub {
  readonly url: string;
  /** By way; until a test says otherwise everyone is welcome. */
  readonly plays: Record<Way, Play>;
  /** Everyone that came, in order. */
  readonly lines: readonly FakeLine[];
  /** Throws where nobody has come this way. */
  last(way: Way): FakeLine;
  close(): void;
}

export async function startFakeHub(plays: Partial<Record<Way, Play>> = {}): Promise<FakeHub> {
  const lines: FakeLine[] = [];
  const played = { websocket: welcome, sse: welcome, polling: welcome, ...plays };
  const begin = (line: FakeLine): void => {
    lines.push(line);
    played[line.asked.way](line);
  };
  const server = createServer((request, response) => {
    allow(request, response);
    if (request.method === "OPTIONS") response.writeHead(204).end();
    else if (request.headers.accept === "text/event-stream")
      begin(sseLine(askedBy(request, "sse"), response));
    else begin(pollingLine(askedBy(request, "polling"), response));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    begin(webSocketLine(askedBy(request, "websocket"), request, socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    plays: played,
    lines,
    last(way) {
      const last = lines.findLast(({ asked }) => asked.way === way);
      if (last === undefined) throw new Error(`nobody has come by ${way}`);
      return last;
    },
    close() {
      server.close();
      for (const line of lines) line.cut();
      server.closeAllConnections();
    },
  };
}

function askedBy(request: IncomingMessage, way: Way): Asked {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://fake");
  const header = request.headers["last-event-id"];
  const [, path] = /^\/api\/v1\/upload-progress\/(.+)$/.exec(pathname) ?? [];
  return {
    way,
    token: tokenOf(request),
    jobId: path === undefined ? searchParams.get("jobId") : decodeURIComponent(path),
    lastEventId:
      typeof header === "string" ? header : (searchParams.get("lastEventId") ?? searchParams.get("since")),
    waits: searchParams.has("wait"),
    atMs: performance.now(),
  };
}

/** As the hub does for an origin of --cors-origins. */
function allow({ headers }: IncomingMessage, response: ServerResponse): void {
  response.setHeader("Access-Control-Allow-Origin", headers.origin ?? "*");
  response.setHeader("Access-Control-Allow-Headers", "Authorization, Last-Event-ID");
  response.setHeader("Access-Control-Expose-Headers", "Retry-After, Progress-Hub-Mode");
  response.setHeader("Access-Control-Max-Age", "600");
}
