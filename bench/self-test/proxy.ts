import { connect, createServer, type Socket } from "node:net";
import type { Target } from "../target/target.ts";
import type { Line, Plant } from "./plant.ts";
import { divider } from "./units.ts";

// Between the clients and a hub: does to whole messages what a hub must never do. Events go to the hub directly.

/** What is late may still be under way when the server has hung up. */
const LINGER_MS = 500;

/** The hub as clients see it through the fault. Stopping it ends the proxy alone. */
export async function proxied(hub: Target, plant: Plant): Promise<Target> {
  const { port, close } = await startProxy(hub, plant);
  return {
    ...hub,
    publicUrls: hub.publicUrls.map((url) => `http://${new URL(url).hostname}:${port}`),
    stop: close,
  };
}

async function startProxy(
  { publicUrls }: Target,
  plant: Plant,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const { hostname, port } = new URL(publicUrls[0] ?? "");
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    sockets.add(client.on("close", () => sockets.delete(client)));
    client.on("error", () => undefined);
    if (plant.isRefused()) client.resetAndDestroy();
    else join(client, connect({ host: hostname, port: Number(port), noDelay: true }), plant);
  });
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function join(client: Socket, upstream: Socket, plant: Plant): void {
  const line: Line = {
    send(bytes) {
      if (client.writable && !client.write(bytes)) upstream.pause();
    },
  };
  const divide = divider((unit) => plant.pass(unit, line));
  client.on("data", (bytes) => upstream.write(bytes));
  client.on("drain", () => upstream.resume());
  client.on("close", () => {
    plant.closed(line);
    upstream.destroy();
  });
  upstream.on("data", divide);
  upstream.on("error", () => undefined);
  upstream.on("close", () => void setTimeout(() => client.destroy(), LINGER_MS).unref());
}
