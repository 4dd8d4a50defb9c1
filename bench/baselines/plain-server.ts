import { timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/cluster-adapter";
import jsonwebtoken from "jsonwebtoken";
import { Server, type Socket } from "socket.io";
import { listen } from "../../src/listening.ts";
import { PlainJobs } from "./plain-jobs.ts";
import { createPublishServer } from "./publish-server.ts";
import type { BaselineOptions } from "./run.ts";

export interface PlainServerOptions extends Omit<BaselineOptions, "internalPort" | "workers"> {
  /** null: another process takes the events. */
  readonly internalPort: number | null;
  /** There are other processes: broadcasts go to them too. */
  readonly isClustered: boolean;
}

/** The ports it listens on. Rejects with the system's error. */
export interface PlainPorts {
  readonly port: number;
  /** null: none. */
  readonly internalPort: number | null;
}

/** A plain Socket.IO server: a token checked in a middleware, a room a user, `io.to(room).emit` for each message. */
export async function startPlainServer(options: PlainServerOptions): Promise<PlainPorts> {
  const http = createServer((_request, response) => response.writeHead(404).end());
  const io = new Server(http, {
    path: "/ws/upload-progress",
    // Alone it needs no sticky sessions.
    transports: ["websocket"],
    serveClient: false,
    ...(options.isClustered ? { adapter: createAdapter() } : {}),
  });
  // Socket.IO's own advice for less memory: https://socket.io/docs/v4/memory-usage/
  io.engine.on("connection", (connection: { request: unknown }) => {
    connection.request = null;
  });
  io.use((socket, next) => authenticate(socket, options.jwtSecret, next));
  io.on("connection", (socket) => {
    void socket.join(roomOf(String(socket.data.userId)));
    socket.emit("synced", { type: "synced", mode: "snapshot", id: "plain-0" });
  });
  const { host, internalHost, internalPort } = options;
  const port = await listen(http, { host, port: options.port });
  if (internalPort === null) return { port, internalPort };
  const internals = publishServer(io, options.ingestToken);
  return { port, internalPort: await listen(internals, { host: internalHost, port: internalPort }) };
}

function publishServer(io: Server, ingestToken: string): ReturnType<typeof createPublishServer> {
  const jobs = new PlainJobs();
  const expected = Buffer.from(`Bearer ${ingestToken}`);
  return createPublishServer({
    isAllowed(authorization = "") {
      const given = Buffer.from(authorization);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
    take(events) {
      let accepted = 0;
      for (const event of events) {
        const made = jobs.apply(event);
        if (made === null) continue;
        accepted += 1;
        const room = io.to(roomOf(made.userId));
        for (const message of made.messages) room.emit(message.type, message);
      }
      return { accepted, unchanged: events.length - accepted };
    },
  });
}

function authenticate(socket: Socket, jwtSecret: string, next: (error?: Error) => void): void {
  const token: unknown = socket.handshake.auth.token;
  try {
    const claims = jsonwebtoken.verify(String(token), jwtSecret, { algorithms: ["HS256"] });
    if (typeof claims === "string" || claims.sub === undefined) throw new Error("no subject");
    socket.data.userId = claims.sub;
    next();
  } catch {
    // The client stops at this: https://socket.io/docs/v4/middlewares/#handling-middleware-error
    next(Object.assign(new Error("token_invalid"), { data: { code: "token_invalid", retryable: false } }));
  }
}

/** Every socket has a room of its own id, which no user's name must meet. */
function roomOf(userId: string): string {
  return `user:${userId}`;
}
