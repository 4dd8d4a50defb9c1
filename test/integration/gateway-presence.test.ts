import { afterEach, beforeEach, expect, test } from "vitest";
import { type Watcher, watchers } from "../clients.ts";
import { eventually, gatewayBeside, type TestGateway, testGateway, tokenOf } from "./gateway-harness.ts";

// Two gateways of one core: what holds for a user holds over both.

let first: TestGateway;
let second: TestGateway;
const open: Watcher[] = [];

beforeEach(async () => {
  first = await testGateway({ maxConnectionsPerUser: 2 });
  second = await gatewayBeside(first, "second");
});

afterEach(async () => {
  for (const watcher of open.splice(0)) watcher.close();
  await second.close();
  await first.close();
});

async function watch(
  at: TestGateway,
  kind: "socketio" | "websocket" | "sse",
  userId = "u",
): Promise<Watcher> {
  const watcher = watchers[kind]({ publicUrl: at.url, token: tokenOf(userId) });
  open.push(watcher);
  await watcher.until(({ syncs }) => syncs === 1, "synced");
  return watcher;
}

test("one connection too many ends the user's oldest, wherever that is, and nobody else's", async () => {
  const other = await watch(first, "websocket", "other");
  const oldest = await watch(first, "websocket");
  const older = await watch(second, "websocket");
  const newer = await watch(second, "sse");
  await oldest.until(({ ends }) => ends.length === 1, "closed");
  expect(oldest.ends).toEqual([{ code: 4429, reason: "replaced" }]);
  const newest = await watch(first, "socketio");
  await older.until(({ ends }) => ends.length === 1, "closed");
  expect(older.ends).toEqual([{ code: 4429, reason: "replaced" }]);
  for (const { ends } of [other, newer, newest]) expect(ends).toEqual([]);
  expect(first.directory.counts()).toMatchObject({
    total: 3,
    users: 2,
    gateways: [
      { name: "gateway", byTransport: { socketio: 1, websocket: 1, sse: 0, polling: 0 } },
      { name: "second", byTransport: { socketio: 0, websocket: 0, sse: 1, polling: 0 } },
    ],
  });
});

test("a poll that waits gives way too, and says so", async () => {
  const poll = fetch(`${first.url}/api/v1/upload-progress?wait=60s`, {
    headers: { authorization: `Bearer ${tokenOf("u")}`, accept: "application/json" },
  });
  await eventually(() => first.gateway.connections.polling === 1, "the poll waits");
  await watch(second, "websocket");
  await watch(second, "websocket");
  const answer = await poll;
  expect(answer.status).toBe(429);
  expect(answer.headers.get("retry-after")).toBe("5");
  expect(first.gateway.connections.polling).toBe(0);
});

test("who left makes room: nobody is ended for connections that are gone", async () => {
  const stays = await watch(first, "websocket");
  for (let round = 0; round < 3; round += 1) {
    const brief = await watch(second, "sse");
    brief.close();
    await eventually(() => second.gateway.connections.sse === 0, "gone");
  }
  expect(stays.ends).toEqual([]);
  expect(first.directory.counts().total).toBe(1);
});
