import { once } from "node:events";
import { connect as connectTcp, createServer, type Socket } from "node:net";

/** Between clients and a hub: what befalls a network, and what stands in its way. */
export interface BlockingProxy {
  readonly url: string;
  /** Of HTTP, the blocked ones too; what asks for leave to ask (CORS) is none. */
  readonly requests: number;
  /** Cuts the connection of a request that begins like this, without a word. */
  block: (head: string) => boolean;
  cut(): void;
  close(): void;
}

const REQUEST = /^(GET|POST) \S+ HTTP\/1\.1\r\n/;

export async function startBlockingProxy(target: string): Promise<BlockingProxy> {
  const sockets = new Set<Socket>();
  const proxy = { block: (_head: string) => false, requests: 0 };
  const server = createServer((client) => {
    const upstream = connectTcp(Number(new URL(target).port), "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    // Each request of a connection that is kept open; clients write the head of one at once.
    client.on("data", (chunk: Buffer) => {
      const head = chunk.toString("latin1");
      if (!REQUEST.test(head)) return void upstream.write(chunk);
      proxy.requests += 1;
      if (proxy.block(head)) client.destroy();
      else upstream.write(chunk);
    });
    upstream.pipe(client);
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
