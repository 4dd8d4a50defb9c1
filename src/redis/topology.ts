import type { RedisClient } from "./client.ts";
import type { Address } from "./url.ts";

/** Which node serves which slot, as one node of the cluster sees it. */
export interface Topology {
  /** By slot; a hole: nobody serves it. */
  readonly owners: readonly (Address | undefined)[];
  /** All nodes that serve or replicate one. */
  readonly nodes: readonly Address[];
  /** Every slot is served. */
  readonly isWhole: boolean;
}

const SLOTS = 16_384;

/** `asked`: the node itself, `host:port`, for a node that names no host for itself. null: it knows of no slots. */
export async function askForSlots(client: RedisClient, asked: string): Promise<Topology | null> {
  // CLUSTER SLOTS rather than SHARDS, which tells neither that a node is not reachable nor which port is meant.
  const reply = await client.sendCommand<unknown>(["CLUSTER", "SLOTS"]);
  const ranges: readonly unknown[] = Array.isArray(reply) ? reply : [];
  const owners: (Address | undefined)[] = Array.from({ length: SLOTS });
  const nodes = new Map<string, Address>();
  for (const range of ranges) {
    if (!Array.isArray(range)) continue;
    const [from, to, ...servers]: unknown[] = range;
    const addresses = servers.map((server) => addressOf(server, asked)).filter((address) => address !== null);
    for (const address of addresses) nodes.set(`${address.host}:${address.port}`, address);
    const [master] = addresses;
    if (master !== undefined) owners.fill(master, Number(from), Number(to) + 1);
  }
  if (nodes.size === 0) return null;
  return { owners, nodes: [...nodes.values()], isWhole: owners.every((owner) => owner !== undefined) };
}

function addressOf(server: unknown, asked: string): Address | null {
  if (!Array.isArray(server)) return null;
  const [host, port]: unknown[] = server;
  const known = typeof host === "string" && host !== "" && host !== "?";
  return { host: known ? host : asked.slice(0, asked.lastIndexOf(":")), port: Number(port) };
}
