import { once } from "node:events";
import { connect as connectTcp, createServer, type Socket } from "node:net";

/** Between clients and a hub: what befalls a network, and what stands in its way. */
export interface BlockingProxy {
  readonly url: string;
  /** Refuses what begins like this, without a word. */
  block: (head: string) => boolean;
  cut(): void;
  close(): void;
}

export async function startBlockingProxy(target: string): Promise<BlockingProxy> {
  const sockets = new Set<Socket>();
  const proxy = { block: (_head: string) => false };
  const server = createServer((client) => {
    client.on("error", () => undefined);
    client.once("data", (head) => {
      if (proxy.block(head.toString("latin1"))) {
        client.destroy();
        return;
      }
      const upstream = connectTcp(Number(new URL(target).port), "127.0.0.1");
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on("error", () => undefined);
        socket.on("close", () => {
          client.destroy();
          upstream.destroy();
        });
      }
      upstream.write(head);
      // Browsers send more than one request by a connection.
      client.on("data", (more: Buffer) => {
        if (proxy.block(more.toString("latin1"))) client.destroy();
      });
      client.pipe(upstream).pipe(client);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${port}`,
    cut,
    close() {
      server.close();
      cut();
    },
  });
}
