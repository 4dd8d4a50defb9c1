import { once } from "node:events";
import { connect, createServer } from "node:net";
import { Random } from "../random.ts";
import { CLEAN, drawFate, type Fate } from "./fate.ts";
import { ChaosLine } from "./line.ts";

/** Between clients and a hub: a network as it is on a bad day. */
export interface ChaosProxy {
  /** Where clients connect to. */
  readonly url: string;
  /** Connections so far, by what was done to them. */
  readonly counts: ReadonlyMap<Fate["name"], number>;
  /** Cuts all that are ill-treated; from now on nobody is. */
  calm(): void;
  close(): Promise<void>;
}

/** Every connection has a fate of its own, drawn from `seed` and how many came before it. */
export async function startChaos(publicUrl: string, seed: number): Promise<ChaosProxy> {
  const { hostname, port } = new URL(publicUrl);
  const host = hostname === "0.0.0.0" ? "127.0.0.1" : hostname.replace(/^\[|\]$/g, "");
  const lines = new Set<ChaosLine>();
  const counts = new Map<Fate["name"], number>();
  let [isCalm, made] = [false, 0];
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (client) => {
    client.on("error", () => undefined);
    made += 1;
    const random = new Random(`${seed}/chaos/${made}`);
    const fate = isCalm ? CLEAN : drawFate(random);
    counts.set(fate.name, (counts.get(fate.name) ?? 0) + 1);
    if (fate.name === "refused") {
      // Not before it has asked for something: Node's fetch never notices an end that comes in the same moment as it begins.
      client.once("data", () => client.resetAndDestroy());
      client.resume();
      return;
    }
    const target = connect({ host, port: Number(port), noDelay: true });
    const line = new ChaosLine(client, target, fate, random);
    lines.add(line);
    client.on("close", () => lines.delete(line));
    client.resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const own = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${own}`,
    counts,
    calm() {
      isCalm = true;
      for (const line of lines) if (line.fate.name !== "clean") line.cut();
    },
    async close() {
      for (const line of lines) line.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
