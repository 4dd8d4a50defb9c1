import type { Server as HttpServer } from "node:http";
import type { ListenOptions, Server, Socket } from "node:net";

/** Resolves with the port, the real one where 0 was asked for. Rejects with the system's error, such as EADDRINUSE. */
export async function listen(server: Server, options: ListenOptions): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const address = server.address();
  // At a path there is no port.
  return typeof address === "object" && address !== null ? address.port : (options.port ?? 0);
}

/** The address of a listener; an IPv6 host gets its brackets. */
export function urlOf(scheme: "http" | "https", host: string, port: number): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Connections that another process accepts. */
export interface HandedOver {
  /** Once. `take` is given each, not read from yet; `count` tells how many of them are open. */
  serve(take: (socket: Socket) => void, count: () => number): void;
}

/** Lets a server serve connections that are handed over, in place of listening itself. */
export function serveHandedOver(server: HttpServer, connections: HandedOver, count: () => number): void {
  // Node begins to look for requests that take too long when a server listens, which this one never does.
  server.emit("listening");
  connections.serve((socket) => {
    // As node's own server makes them: a client may end its side and still read the answer.
    socket.allowHalfOpen = true;
    server.emit("connection", socket);
    socket.resume();
  }, count);
}
