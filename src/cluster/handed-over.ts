import type { Server } from "node:http";
import type { Socket } from "node:net";

/** Connections that another process accepts. */
export interface HandedOver {
  /** Once. `take` is given each, not read from yet; `count` tells how many of them are open. */
  serve(take: (socket: Socket) => void, count: () => number): void;
}

/** Lets a server serve connections that are handed over, in place of listening itself. */
export function serveHandedOver(server: Server, connections: HandedOver, count: () => number): void {
  // Node begins to look for requests that take too long when a server listens, which this one never does.
  server.emit("listening");
  connections.serve((socket) => {
    // As node's own server makes them: a client may end its side and still read the answer.
    socket.allowHalfOpen = true;
    server.emit("connection", socket);
    socket.resume();
  }, count);
}
