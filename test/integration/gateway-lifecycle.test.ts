import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Watcher, watchers } from "../clients.ts";
import { event } from "../events.ts";
import {
  eventually,
  httpRequest,
  RawClient,
  type TestGateway,
  testGateway,
  tokenOf,
  upgradeRequest,
} from "./gateway-harness.ts";

const PATH = "/api/v1/upload-progress";
let hub: TestGateway;
const open: Watcher[] = [];

beforeEach(async () => {
  hub = await testGateway();
});

afterEach(async () => {
  for (const watcher of open.splice(0)) watcher.close();
  await hub.close();
});

const watch = (kind: "socketio" | "websocket" | "sse", token = tokenOf("u")) => {
  const watcher = watchers[kind]({ publicUrl: hub.url, token });
  open.push(watcher);
  return watcher;
};

const authorization = (token = tokenOf("u")) => ({ Authorization: `Bearer ${token}` });

describe("the end of a token", () => {
  test("native WebSocket: announced, then 4401 within 2 s, and nothing after", async () => {
    const expiresAtMs = (Math.floor(Date.now() / 1_000) + 2) * 1_000;
    const watcher = watch("websocket", tokenOf("u", 2));
    await watcher.until(({ ends }) => ends.length > 0, "closed");
    expect(watcher.ends).toEqual([{ code: 4401, reason: "token_expired" }]);
    expect(Date.now() - expiresAtMs).toBeGreaterThanOrEqual(0);
    expect(Date.now() - expiresAtMs).toBeLessThan(2_000);
    expect(watcher.controls.at(-1)).toMatchObject({ type: "token_expiring" });
  });

  test("SSE: announced, then the stream ends, and the next try gets 401", async () => {
    const token = tokenOf("u", 2);
    const answer = await fetch(`${hub.url}${PATH}`, { headers: authorization(token) });
    const text = await answer.text();
    expect(text).toMatch(/event: token_expiring\ndata: \{"type":"token_expiring","expiresIn":\d\}\n\n$/);
    expect((await fetch(`${hub.url}${PATH}`, { headers: authorization(token) })).status).toBe(401);
  });
});

describe("more connections than a user may have", () => {
  beforeEach(async () => {
    await hub.close();
    hub = await testGateway({ maxConnectionsPerUser: 2 });
  });

  test("the oldest of the user goes with 4429, nobody else's", async () => {
    const others = watch("websocket", tokenOf("other"));
    const [first, second] = [watch("websocket"), watch("websocket")];
    for (const watcher of [others, first, second]) await watcher.until(({ syncs }) => syncs === 1, "synced");
    const third = watch("sse");
    await third.until(({ syncs }) => syncs === 1, "synced");
    await eventually(() => first.ends.length + second.ends.length === 1, "one closed");
    expect([...first.ends, ...second.ends]).toEqual([{ code: 4429, reason: "replaced" }]);
    expect(others.ends).toEqual([]);
    expect(hub.gateway.connections).toEqual({ socketio: 0, websocket: 2, sse: 1, polling: 0 });
  });

  test("a stream is told to wait a minute, and ends", async () => {
    const first = await RawClient.open(hub.port, httpRequest(PATH, authorization()));
    await first.until(/event: synced/, "synced");
    for (const _ of [1, 2]) {
      const next = watch("websocket");
      await next.until(({ syncs }) => syncs === 1, "synced");
    }
    await first.until(/retry: (\d+)\n\n\r\n0\r\n\r\n$/, "the end of the stream");
    const retryMs = Number(/retry: (\d+)\n\n\r\n0\r\n\r\n$/.exec(first.text)?.[1]);
    expect(retryMs).toBeGreaterThanOrEqual(60_000);
    first.socket.destroy();
  });
});

describe("drain", () => {
  test("everybody is told when to come back, closed with 1012, and the port is free", async () => {
    await hub.close();
    hub = await testGateway({ drainTimeout: 3_000 });
    const native = watch("websocket");
    const socketio = watch("socketio");
    const stream = await RawClient.open(hub.port, httpRequest(PATH, authorization()));
    const poll = fetch(`${hub.url}${PATH}?wait=60s`, {
      headers: { ...authorization(), accept: "application/json" },
    });
    await native.until(({ syncs }) => syncs === 1, "synced");
    await socketio.until(({ syncs }) => syncs === 1, "synced");
    await stream.until(/event: synced/, "synced");
    await eventually(() => hub.gateway.connections.polling === 1, "the poll waits");
    const drained = hub.gateway.drain();
    await native.until(({ ends }) => ends.length === 1, "closed");
    expect(native.ends).toEqual([{ code: 1012, reason: "draining" }]);
    expect(native.controls.at(-1)).toEqual({ type: "reconnect", afterMs: expect.any(Number) });
    await socketio.until(({ ends }) => ends.length > 0, "closed");
    expect(socketio.controls.slice(-2)).toEqual([
      { type: "reconnect", afterMs: expect.any(Number) },
      { type: "closing", code: 1012 },
    ]);
    expect(socketio.ended).toBe(false);
    await stream.until(/event: reconnect\ndata: .*\nretry: \d+\n\n\r\n0\r\n\r\n$/, "the end of the stream");
    expect(await (await poll).json()).toMatchObject({ messages: [] });
    await drained;
    await expect(fetch(`${hub.url}/healthz`)).rejects.toThrow();
  });

  test("meanwhile it is not ready, and who comes is told to come back", async () => {
    await hub.close();
    hub = await testGateway({ drainTimeout: 1_500 });
    // Never answers a close frame, so the drain lasts until its time-out.
    const deaf = await RawClient.open(hub.port, upgradeRequest("/ws/upload-progress", authorization()));
    await deaf.until(/synced/, "synced");
    const startMs = performance.now();
    const drained = hub.gateway.drain();
    const ready = await fetch(`${hub.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ code: "draining" });
    expect((await fetch(`${hub.url}/healthz`)).status).toBe(200);
    const stream = await fetch(`${hub.url}${PATH}`, { headers: authorization() });
    expect(await stream.text()).toMatch(/^retry: \d+\n\n$/);
    const upgrade = await RawClient.open(hub.port, upgradeRequest("/ws/upload-progress", authorization()));
    await upgrade.until(/"code":"draining"/, "the refusal");
    expect(upgrade.text).toMatch(/^HTTP\/1.1 503 /);
    await drained;
    expect(performance.now() - startMs).toBeLessThan(2_500);
    await eventually(() => deaf.closed, "dropped");
  });
});

test("a drain keeps no connection for a next request: it would come back to the same gateway", async () => {
  await hub.close();
  hub = await testGateway({ drainTimeout: 2_000 });
  const idle = await RawClient.open(hub.port, httpRequest("/healthz"));
  await idle.until(/"status":"ok"/, "an answer");
  const stream = await RawClient.open(hub.port, httpRequest(PATH, authorization()));
  await stream.until(/event: synced/, "synced");
  const deaf = await RawClient.open(hub.port, upgradeRequest("/ws/upload-progress", authorization()));
  await deaf.until(/synced/, "synced");
  const late = await RawClient.open(hub.port, "");
  const drained = hub.gateway.drain();
  await eventually(() => idle.closed, "the idle one is closed");
  late.socket.write(httpRequest("/healthz"));
  await late.until(/"status":"ok"/, "an answer in the drain");
  expect(late.text).toMatch(/^Connection: close\r$/m);
  await eventually(() => late.closed && stream.closed, "closed after the answer, and after the stream's end");
  expect(stream.text).toMatch(/\r\n0\r\n\r\n$/);
  expect(deaf.closed).toBe(false);
  await drained;
});

test("close drops everybody at once, also who is half-way in or out", async () => {
  const native = watch("websocket");
  await native.until(({ syncs }) => syncs === 1, "synced");
  const idle = await RawClient.open(hub.port, "");
  const deaf = await RawClient.open(hub.port, upgradeRequest("/ws/upload-progress", authorization()));
  await deaf.until(/synced/, "synced");
  // A masked text frame "x": closed with 4400, and never answered.
  deaf.socket.write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x78]));
  await eventually(() => hub.gateway.connections.websocket === 1, "ending");
  const startMs = performance.now();
  await hub.gateway.close();
  expect(performance.now() - startMs).toBeLessThan(1_000);
  await eventually(() => idle.closed && deaf.closed && native.ends.length === 1, "all gone");
});

test("a port in use is the system's own error", async () => {
  await expect(testGateway({ port: hub.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
});

test("nothing stays of connections that came and went", async () => {
  await hub.engine.publish([event.started()]);
  for (let round = 0; round < 5; round += 1) {
    const here = [watch("websocket"), watch("socketio"), watch("sse")];
    for (const watcher of here) await watcher.until(({ syncs }) => syncs === 1, "synced");
    for (const watcher of here) watcher.close();
  }
  const none = { socketio: 0, websocket: 0, sse: 0, polling: 0 };
  await eventually(() => Object.values(hub.gateway.connections).every((count) => count === 0), "none");
  expect(hub.gateway.connections).toEqual(none);
  expect(hub.gateway.stats).toMatchObject({ bufferedBytes: 0, held: 0, slowHolds: 0 });
});
