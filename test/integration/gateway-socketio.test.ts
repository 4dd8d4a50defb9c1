import { io, type Socket } from "socket.io-client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { event } from "../events.ts";
import {
  eventually,
  RawClient,
  type TestGateway,
  testGateway,
  tokenOf,
  upgradeRequest,
} from "./gateway-harness.ts";

const PATH = "/ws/upload-progress";
let hub: TestGateway;
const open: Socket[] = [];

beforeEach(async () => {
  hub = await testGateway();
});

afterEach(async () => {
  for (const socket of open.splice(0)) socket.disconnect();
  await hub.close();
});

interface Client {
  readonly socket: Socket;
  readonly events: [string, Record<string, unknown>][];
  readonly refusals: { message: string; data: unknown; status: unknown; willRetry: boolean }[];
  readonly leavings: { reason: string; willRetry: boolean }[];
}

function connect(options: Parameters<typeof io>[1] = {}): Client {
  const socket = io(hub.url, { path: PATH, forceNew: true, auth: { token: tokenOf("u") }, ...options });
  open.push(socket);
  const client: Client = { socket, events: [], refusals: [], leavings: [] };
  socket.onAny((name, message) => client.events.push([name, message]));
  socket.on("disconnect", (reason) => client.leavings.push({ reason, willRetry: socket.active }));
  socket.on("connect_error", (error) => {
    const data = "data" in error ? error.data : null;
    const status = "description" in error ? error.description : null;
    client.refusals.push({ message: error.message, data, status, willRetry: socket.active });
  });
  return client;
}

const has = (client: Client, type: string) => client.events.some(([name]) => name === type);

async function connected(options: Parameters<typeof io>[1] = {}): Promise<Client> {
  const client = connect(options);
  await eventually(() => has(client, "synced"), "synced");
  return client;
}

test("a stock client begins with polling and upgrades; messages come once and in order meanwhile", async () => {
  const client = await connected();
  for (let bytes = 1; bytes <= 100; bytes += 1) {
    await hub.engine.publish([event.progressed(bytes, { totalBytes: 100 })]);
    if (bytes % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await eventually(() => client.socket.io.engine.transport.name === "websocket", "upgraded");
  await hub.engine.publish([event.completed()]);
  await eventually(() => has(client, "upload_completed"), "the end");
  const bytes = client.events
    .filter(([name]) => name === "upload_progress")
    .map(([, message]) => message.bytesTransferred);
  expect(bytes).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
});

test("a snapshot larger than slow-buffer comes at once, though the client upgrades in the midst of it", async () => {
  const photos = Array.from({ length: 1_000 }, (_, index) => event.progressed(5, { photoId: `p${index}` }));
  await hub.engine.publish(photos);
  const began = performance.now();
  const client = await connected();
  // The next ping of engine.io would free it too, after 25 s.
  expect(performance.now() - began).toBeLessThan(4_000);
  expect(client.events.filter(([name]) => name === "upload_progress").length).toBe(1_000);
  expect(hub.gateway.stats.held).toBe(0);
});

describe("tokens", () => {
  test("in auth, in the header, in the query", async () => {
    await connected();
    await connected({ auth: {}, extraHeaders: { authorization: `Bearer ${tokenOf("u")}` } });
    await connected({ auth: {}, query: { access_token: tokenOf("u") } });
    await connected({ transports: ["websocket"] });
    expect(hub.gateway.connections.socketio).toBe(4);
  });

  test.each([
    ["token_missing", {}],
    ["token_invalid", { token: "x" }],
    ["token_expired", { token: tokenOf("u", -1) }],
    ["bad_request", { token: tokenOf("u"), jobId: "a b" }],
  ])("refused for good: %s", async (code, auth) => {
    for (const transports of [["polling", "websocket"], ["websocket"]]) {
      const client = connect({ auth, transports });
      await eventually(() => client.refusals.length === 1, "refused");
      expect(client.refusals[0]).toMatchObject({ data: { code, retryable: false }, willRetry: false });
    }
    expect(hub.gateway.connections.socketio).toBe(0);
  });
});

test("auth carries lastEventId and jobId; malformed ones count as none", async () => {
  await hub.engine.publish([event.started(), event.started({ jobId: "k" })]);
  const first = await connected({ auth: { token: tokenOf("u"), jobId: "j", lastEventId: 7 } });
  expect(first.events.map(([name]) => name)).toEqual(["upload_started", "job_progress", "synced"]);
  const lastEventId = first.events.at(-1)?.[1].id;
  await hub.engine.publish([event.progressed(5)]);
  const second = await connected({ auth: { token: tokenOf("u"), jobId: "j", lastEventId } });
  expect(second.events.map(([name]) => name)).toEqual(["upload_progress", "job_progress", "synced"]);
  expect(second.events.at(-1)?.[1].mode).toBe("resumed");
});

test("refresh answers by acknowledgement, and a failed one changes nothing", async () => {
  const client = await connected();
  const refresh = (body: unknown) => client.socket.timeout(2_000).emitWithAck("refresh", body);
  expect(await refresh({ token: tokenOf("u", 900) })).toEqual({ ok: true, expiresIn: expect.any(Number) });
  expect(await refresh({ token: tokenOf("other") })).toEqual({ ok: false, code: "token_invalid" });
  expect(await refresh({ token: tokenOf("u", -9) })).toEqual({ ok: false, code: "token_expired" });
  expect(await refresh(null)).toEqual({ ok: false, code: "token_missing" });
  client.socket.emit("refresh");
  client.socket.emit("anything else", { at: "all" });
  expect(await refresh({ token: tokenOf("u", 800) })).toMatchObject({ ok: true });
  expect(client.leavings).toEqual([]);
});

test("replaced by a newer one, it is told so and stays away", async () => {
  await hub.close();
  hub = await testGateway({ maxConnectionsPerUser: 1 });
  const old = await connected();
  await connected({ transports: ["websocket"] });
  await eventually(() => old.leavings.length === 1, "left");
  expect(old.events.at(-1)).toEqual(["closing", { type: "closing", code: 4429 }]);
  expect(old.leavings).toEqual([{ reason: "io server disconnect", willRetry: false }]);
  expect(hub.gateway.connections.socketio).toBe(1);
});

test("a token that ends is told first, then 4401 closes; a client with a fresh one comes back", async () => {
  let ttlSeconds = 2;
  const client = await connected({
    auth: (give) => give({ token: tokenOf("u", ttlSeconds) }),
    reconnectionDelay: 10,
  });
  ttlSeconds = 600;
  await eventually(() => client.leavings.length === 1, "left", 5_000);
  const names = client.events.map(([name]) => name);
  expect(names.indexOf("token_expiring")).toBeGreaterThan(-1);
  expect(client.events.find(([name]) => name === "closing")?.[1]).toEqual({ type: "closing", code: 4401 });
  expect(client.leavings[0]?.willRetry).toBe(true);
  await eventually(() => client.events.filter(([name]) => name === "synced").length === 2, "back again");
});

test("a half-open one is gone within interval and timeout", async () => {
  await hub.close();
  hub = await testGateway({ heartbeatInterval: 100, heartbeatTimeout: 150 });
  const request = upgradeRequest(`${PATH}/?EIO=4&transport=websocket&access_token=${tokenOf("u")}`);
  const client = await RawClient.open(hub.port, request);
  await client.until(/"sid"/, "the handshake");
  // A masked text frame "40" (mask zero): connects to the namespace, then answers nothing any more.
  client.socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30]));
  await client.until(/42\["synced"/, "synced");
  expect(hub.gateway.connections.socketio).toBe(1);
  await eventually(() => hub.gateway.connections.socketio === 0, "gone", 1_000);
  // Not only out of the registry: a socket that waits for a goodbye would keep its file descriptor.
  await eventually(
    () => client.socket.readableEnded || client.socket.destroyed,
    "its socket is closed",
    1_000,
  );
});

test("with --transports websocket a polling request is told what to set", async () => {
  await hub.close();
  hub = await testGateway({ transports: ["websocket"] });
  const answer = await fetch(`${hub.url}${PATH}/?EIO=4&transport=polling`);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({
    code: "transport_disabled",
    detail: expect.stringContaining("--transports websocket"),
  });
  await connected({ transports: ["websocket"] });
});

test.each([["websocket"], ["polling"]] as const)(
  "%s: a packet over 4 KiB is told 1009 and the client stays away, and the process stays",
  async (transport) => {
    const client = await connected({ transports: [transport] });
    client.socket.emit("refresh", { token: "x".repeat(5_000) });
    await eventually(() => client.leavings.length === 1, "left");
    expect(client.events.find(([name]) => name === "closing")?.[1]).toEqual({ type: "closing", code: 1009 });
    expect(client.leavings[0]?.willRetry).toBe(false);
    await connected();
  },
);

test("a token that is too large is refused with its code, for good", async () => {
  const client = connect({ auth: { token: "x".repeat(9_000) } });
  await eventually(() => client.refusals.length === 1, "refused");
  expect(client.refusals[0]).toMatchObject({
    data: { code: "token_invalid", retryable: false },
    willRetry: false,
  });
});

test("a client that leaves the namespace alone keeps nothing open", async () => {
  const base = `${hub.url}${PATH}/?EIO=4&transport=polling`;
  const sid = JSON.parse((await (await fetch(base)).text()).slice(1)).sid;
  const url = `${base}&sid=${sid}`;
  const post = (body: string) => fetch(url, { method: "POST", body });
  await post(`40${JSON.stringify({ token: tokenOf("u") })}`);
  await eventually(() => hub.gateway.connections.socketio === 1, "connected");
  await post("41");
  await eventually(() => hub.gateway.connections.socketio === 0, "left");
  await eventually(async () => (await fetch(url)).status === 400, "its engine connection is closed");
});
