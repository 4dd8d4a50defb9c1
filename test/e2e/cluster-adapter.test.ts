import { io, type Socket } from "socket.io-client";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { eventually, tokenOf } from "../integration/gateway-harness.ts";
import { type ClusterProcess, startClusterProcess } from "./cluster-process.ts";

const CLIENTS = 8;
let cluster: ClusterProcess;
const open: Socket[] = [];

beforeAll(async () => {
  cluster = await startClusterProcess();
});

afterEach(() => {
  for (const socket of open.splice(0)) socket.disconnect();
});

afterAll(() => cluster.close());

const idsOf = (value: unknown): string[] => {
  if (!Array.isArray(value)) throw new Error(`no list: ${JSON.stringify(value)}`);
  return value.map((entry: unknown) =>
    typeof entry === "object" && entry !== null && "id" in entry ? String(entry.id) : String(entry),
  );
};

const sorted = (ids: readonly (string | undefined)[]) => [...ids].sort();

/** Stock clients, default options but for the path; the primary gives each of their connections to a worker in turn. */
async function clients(): Promise<Socket[]> {
  const path = "/ws/upload-progress";
  for (let count = 0; count < CLIENTS; count += 1) {
    open.push(io(cluster.publicUrl, { path, forceNew: true, auth: { token: tokenOf(`user${count}`) } }));
  }
  await eventually(() => open.every(upgraded), "all upgraded", 15_000);
  return open;
}

const upgraded = (socket: Socket) => socket.connected && socket.io.engine?.transport?.name === "websocket";

test("fetchSockets sees the clients of all gateways, and nobody's token", async () => {
  const sockets = await clients();
  const [first, second] = cluster.ready;
  const [own, others] = [idsOf(await cluster.ask(first, "own")), idsOf(await cluster.ask(second, "own"))];
  expect(own.length).toBeGreaterThan(0);
  expect(others.length).toBeGreaterThan(0);
  const all = await cluster.ask(first, "all");
  expect(sorted(idsOf(all))).toEqual(sorted(sockets.map(({ id }) => id)));
  expect(sorted(idsOf(all))).toEqual(sorted([...own, ...others]));
  expect(sorted(idsOf(await cluster.ask(second, "all")))).toEqual(sorted(idsOf(all)));
  expect(JSON.stringify(all)).not.toContain(tokenOf("user0").slice(0, 20));
  for (const worker of cluster.ready) {
    const stats = await cluster.ask(worker, "stats");
    expect(stats).toMatchObject({ passedOn: { goneTotal: 0, failedTotal: 0 } });
  }
});

test("serverSideEmit reaches the other gateway and brings its acknowledgement", async () => {
  const [first, second] = cluster.ready;
  expect(await cluster.ask(first, "emit", "hello")).toEqual([`hello, from ${second}`]);
  expect(await cluster.ask(second, "emit", "hello")).toEqual([`hello, from ${first}`]);
});

test.each([false, true])("disconnectSockets(%s) reaches a client of the other gateway", async (close) => {
  const sockets = await clients();
  const [first, second] = cluster.ready;
  const ids = idsOf(await cluster.ask(second, "own"));
  const victim = sockets.find(({ id }) => id === ids[0]);
  const reasons: string[] = [];
  victim?.on("disconnect", (reason) => reasons.push(reason));
  await cluster.ask(first, "disconnect", ids[0], close);
  await eventually(() => reasons.length === 1, "disconnected");
  expect(reasons).toEqual(["io server disconnect"]);
  expect(victim?.active).toBe(false);
  expect(idsOf(await cluster.ask(first, "all"))).toHaveLength(CLIENTS - 1);
  expect(idsOf(await cluster.ask(second, "own"))).toHaveLength(ids.length - 1);
  expect(sockets.filter(({ connected }) => connected)).toHaveLength(CLIENTS - 1);
});

test("a gateway killed with -9 and replaced: everybody is back, with all gateways' sockets in sight", async () => {
  const sockets = await clients();
  const [first, second] = cluster.ready;
  cluster.kill(second);
  await eventually(() => cluster.ready.length === 3, "its replacement", 15_000);
  await eventually(() => sockets.every(upgraded), "all back", 20_000);
  // Until the adapter's heartbeat has timed the dead one out, after 10 s, it asks it too, and fails.
  await eventually(
    async () => {
      const all = await cluster.ask(first, "all");
      return Array.isArray(all) && all.length === CLIENTS;
    },
    "the replacement's sockets seen",
    20_000,
  );
});
