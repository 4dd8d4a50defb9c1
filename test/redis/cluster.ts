import { freePort } from "../../bench/target/free-port.ts";
import { until } from "../../simulator/oracle/until.ts";
import { type RedisServer, startRedis } from "./server.ts";

const READY_DEADLINE_MS = 30_000;
const SLOTS = 16_384;
const MASTERS = 3;

/** A move that stands still for a while. */
interface Halfway {
  /** Keys that have moved by then. */
  readonly isFirst: (key: string) => boolean;
  readonly run: () => Promise<void>;
}

export interface RedisCluster {
  /** Three masters, then the replica of each, in the same order. */
  readonly nodes: readonly RedisServer[];
  /** For the setting `redis`; names the masters. */
  readonly url: string;
  /** Moves a slot with all its keys from the master of that index to the other, as `redis-cli --cluster` does. */
  moveSlot(slot: number, from: number, to: number, halfway?: Halfway): Promise<void>;
  /** The index of the node that serves the slot, by the word of the first that answers. */
  ownerOf(slot: number): Promise<number>;
}

/** A master is given up after 1 s. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: 2 * MASTERS }, startNode));
  const masters = nodes.slice(0, MASTERS);
  const ids = await Promise.all(nodes.map(async (node) => String(await node.command("CLUSTER", "MYID"))));
  const [first] = nodes;
  if (first === undefined) throw new Error("no nodes");
  for (const [index, node] of masters.entries()) {
    const from = Math.floor((index * SLOTS) / MASTERS);
    const to = Math.floor(((index + 1) * SLOTS) / MASTERS) - 1;
    await node.command("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
    await node.command("CLUSTER", "ADDSLOTSRANGE", String(from), String(to));
  }
  for (const node of nodes.slice(1))
    await node.command("CLUSTER", "MEET", "127.0.0.1", String(first.port), await busPortOf(first));
  const met = async () => {
    const known = await Promise.all(
      nodes.map(async (node) => String(await node.command("CLUSTER", "NODES"))),
    );
    return known.every((text) => ids.every((id) => text.includes(id)) && !text.includes("handshake"));
  };
  await until(met, "the nodes know each other", READY_DEADLINE_MS);
  for (const [index, node] of nodes.slice(MASTERS).entries())
    await node.command("CLUSTER", "REPLICATE", ids[index] ?? "");
  const isUp = async () => {
    const infos = await Promise.all(nodes.map(async (node) => String(await node.command("CLUSTER", "INFO"))));
    const links = await Promise.all(
      nodes.slice(MASTERS).map(async (node) => String(await node.command("INFO", "replication"))),
    );
    return (
      infos.every((info) => info.includes("cluster_state:ok")) &&
      links.every((info) => info.includes("master_link_status:up"))
    );
  };
  await until(isUp, "the cluster is up", READY_DEADLINE_MS);

  const nodeAt = (index: number): RedisServer => {
    const node = nodes[index];
    if (node === undefined) throw new Error(`no node ${index}`);
    return node;
  };
  return {
    nodes,
    url: `redis-cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    async moveSlot(slot, from, to, halfway) {
      const [source, target] = [nodeAt(from), nodeAt(to)];
      await target.command("CLUSTER", "SETSLOT", String(slot), "IMPORTING", ids[from] ?? "");
      await source.command("CLUSTER", "SETSLOT", String(slot), "MIGRATING", ids[to] ?? "");
      const keysLeft = async () => {
        const keys = await source.command("CLUSTER", "GETKEYSINSLOT", String(slot), "100");
        return Array.isArray(keys) ? keys.map(String) : [];
      };
      const move = (keys: readonly string[]) =>
        source.command("MIGRATE", "127.0.0.1", String(target.port), "", "0", "5000", "KEYS", ...keys);
      if (halfway !== undefined) {
        await move((await keysLeft()).filter(halfway.isFirst));
        await halfway.run();
      }
      for (let keys = await keysLeft(); keys.length > 0; keys = await keysLeft()) await move(keys);
      // The target first: were it last, nobody would serve the slot for a moment.
      for (const node of [target, source, ...masters])
        await node.command("CLUSTER", "SETSLOT", String(slot), "NODE", ids[to] ?? "");
    },
    async ownerOf(slot) {
      for (const node of nodes) {
        const ranges = await node.command("CLUSTER", "SLOTS").catch(() => null);
        if (!Array.isArray(ranges)) continue;
        const range = ranges.find(([from, to]) => Number(from) <= slot && slot <= Number(to));
        return nodes.findIndex(({ port }) => port === Number(range?.[2]?.[1]));
      }
      throw new Error("no node answers");
    },
  };
}

async function startNode(): Promise<RedisServer> {
  const busPort = String(await freePort());
  return startRedis({
    args: [
      ["--cluster-enabled", "yes", "--cluster-port", busPort, "--cluster-node-timeout", "1000"],
      ["--cluster-config-file", "nodes.conf"],
    ].flat(),
  });
}

async function busPortOf(node: RedisServer): Promise<string> {
  const reply = await node.command("CONFIG", "GET", "cluster-port");
  return Array.isArray(reply) ? String(reply[1]) : "";
}
