import { Agent } from "node:http";
import { io, type Socket } from "socket.io-client";
import { afterEach, expect, test } from "vitest";
import { event } from "../events.ts";
import { type Front, frontByConnection, frontByRequest, frontElsewhere } from "./gateway-fronts.ts";
import { eventually, type TestCluster, testCluster, tokenOf } from "./gateway-harness.ts";

const PATH = "/ws/upload-progress";
const CLIENTS = 24;
const EVENTS = 50;
const POLLED_EVENTS = 20;
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Client {
  readonly socket: Socket;
  readonly bytes: number[];
  readonly troubles: string[];
  syncs: number;
}

function connect(front: Front, userId: string, options: Parameters<typeof io>[1] = {}): Client {
  const socket = io(front.url, { path: PATH, forceNew: true, auth: { token: tokenOf(userId) }, ...options });
  closers.push(() => socket.disconnect());
  const client: Client = { socket, bytes: [], troubles: [], syncs: 0 };
  socket.on("upload_progress", (message) => client.bytes.push(message.bytesTransferred));
  socket.on("synced", () => {
    client.syncs += 1;
  });
  socket.on("disconnect", (reason) => client.troubles.push(reason));
  socket.on("connect_error", (error) => client.troubles.push(error.message));
  socket.io.engine?.on("upgradeError", (error) => client.troubles.push(String(error)));
  return client;
}

async function start(size: number, frontOf: typeof frontByConnection) {
  const cluster = await testCluster(size);
  closers.push(() => cluster.close());
  const front = await frontOf(cluster.gateways.map(({ port }) => port));
  closers.push(() => front.close());
  return { cluster, front };
}

const userOf = (index: number) => `user${index}`;

async function tellAll({ engine }: TestCluster, bytes: number): Promise<void> {
  const users = Array.from({ length: CLIENTS }, (_, index) => index);
  await engine.publish(
    users.map((index) =>
      event.progressed(bytes, { userId: userOf(index), jobId: `job${index}`, totalBytes: 1_000 }),
    ),
  );
}

const allOf = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

const total = ({ gateways }: TestCluster, of: (gateway: TestCluster["gateways"][number]) => number) =>
  gateways.reduce((sum, gateway) => sum + of(gateway), 0);

async function nothingLeft(cluster: TestCluster): Promise<void> {
  const stats = () => cluster.gateways.map(({ gateway: { stats, connections } }) => ({ stats, connections }));
  await eventually(
    () =>
      stats().every(
        ({ stats: { passedOn, bufferedBytes }, connections }) =>
          passedOn.upgrades + passedOn.requests + passedOn.bufferedBytes + bufferedBytes === 0 &&
          connections.socketio === 0,
      ),
    "nothing left on any gateway",
  );
}

test.each([
  [3, "connection", frontByConnection, false],
  [4, "connection", frontByConnection, true],
  [3, "request", frontByRequest, false],
  [4, "request", frontByRequest, true],
  [2, "request with a session", frontElsewhere, false],
] as const)(
  "%i gateways, each %s to another one: stock clients upgrade, and each gets its messages once",
  async (size, _name, frontOf, keepAlive) => {
    const { cluster, front } = await start(size, frontOf);
    const agent = new Agent({ keepAlive: true });
    closers.push(() => agent.destroy());
    // The client's types know browsers' agents only.
    const options = keepAlive ? Object.assign({}, { agent }) : {};
    const clients = allOf(CLIENTS).map((_, index) => connect(front, userOf(index), options));
    for (let bytes = 1; bytes <= EVENTS / 2; bytes += 1) {
      await tellAll(cluster, bytes);
      if (bytes % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(
      () => clients.every(({ socket }) => socket.io.engine?.transport?.name === "websocket"),
      "all upgraded",
      10_000,
    );
    for (const { socket } of clients) expect(socket.connected).toBe(true);
    for (let bytes = EVENTS / 2 + 1; bytes <= EVENTS; bytes += 1) await tellAll(cluster, bytes);
    await eventually(() => clients.every(({ bytes }) => bytes.at(-1) === EVENTS), "the last message");
    for (const { troubles, syncs, bytes } of clients) {
      expect(troubles).toEqual([]);
      expect(syncs).toBe(1);
      // Once it is there, it misses none.
      expect(bytes).toEqual(allOf(EVENTS).slice(EVENTS - bytes.length));
    }
    expect(total(cluster, ({ gateway }) => gateway.connections.socketio)).toBe(CLIENTS);
    const passedOn = total(cluster, ({ gateway }) => gateway.stats.passedOn.upgradesTotal);
    expect(passedOn).toBeGreaterThan(0);
    if (frontOf === frontElsewhere) expect(passedOn).toBe(CLIENTS);
    expect(total(cluster, ({ gateway }) => gateway.stats.passedOn.requestsTotal)).toBeGreaterThan(0);
    expect(total(cluster, ({ gateway }) => gateway.stats.passedOn.goneTotal)).toBe(0);
    expect(total(cluster, ({ gateway }) => gateway.stats.passedOn.failedTotal)).toBe(0);
    for (const { socket } of clients) socket.disconnect();
    await nothingLeft(cluster);
  },
);

test.each([
  ["connection", frontByConnection],
  ["request", frontElsewhere],
] as const)("clients that only poll live on, each %s at another gateway", async (_name, frontOf) => {
  const { cluster, front } = await start(4, frontOf);
  const clients = allOf(CLIENTS).map((_, index) =>
    connect(front, userOf(index), { transports: ["polling"] }),
  );
  await eventually(() => clients.every(({ syncs }) => syncs === 1), "synced");
  for (let bytes = 1; bytes <= POLLED_EVENTS; bytes += 1) {
    await tellAll(cluster, bytes);
    await eventually(() => clients.every((client) => client.bytes.at(-1) === bytes), `message ${bytes}`);
  }
  for (const { troubles, bytes, socket } of clients) {
    expect(troubles).toEqual([]);
    expect(bytes).toEqual(allOf(POLLED_EVENTS));
    const answer = await socket.timeout(2_000).emitWithAck("refresh", { token: tokenOf("somebody") });
    expect(answer).toEqual({ ok: false, code: "token_invalid" });
  }
  for (const { socket } of clients) socket.disconnect();
  await nothingLeft(cluster);
});
