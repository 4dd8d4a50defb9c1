import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below those that the kernel gives to whoever asks for any: a server comes back on its port, which must be free then.
 * The nodes of a Redis cluster also listen on 10,000 above their own.
 */
const PORTS = { first: 12_000, count: 10_000 };

/** A port of 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + randomInt(PORTS.count);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
