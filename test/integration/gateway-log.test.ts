import { afterEach, beforeEach, expect, test } from "vitest";
import { createVerifier } from "../../src/auth/verify.ts";
import { settingsFor } from "../../src/config/load.ts";
import { Directory } from "../../src/core/directory.ts";
import { type Gateway, startGateway } from "../../src/gateway/main.ts";
import { type Watcher, watchers } from "../clients.ts";
import { createEngine } from "../engine-harness.ts";
import { type LogLine, recordedLog } from "../log-lines.ts";
import { eventually, TEST_SECRET, tokenOf } from "./gateway-harness.ts";

let gateway: Gateway;
let directory: Directory;
let lines: () => readonly LogLine[];
const open: Watcher[] = [];

beforeEach(async () => {
  const recorded = recordedLog();
  lines = recorded.lines;
  directory = new Directory(20);
  const settings = settingsFor({
    host: "127.0.0.1",
    port: 0,
    jwtSecret: [TEST_SECRET],
    ingestToken: ["i".repeat(32)],
  });
  gateway = await startGateway({
    settings,
    engine: createEngine().engine,
    attachPresence: (orders) => directory.attach("gateway-1", orders),
    verifier: createVerifier(settings),
    log: recorded.log,
    name: "gateway-1",
  });
});

afterEach(async () => {
  for (const watcher of open.splice(0)) watcher.close();
  await gateway.close();
});

function watch(kind: "socketio" | "websocket" | "sse", token = tokenOf("u")): Watcher {
  const watcher = watchers[kind]({ publicUrl: gateway.publicUrl, token });
  open.push(watcher);
  return watcher;
}

const told = (msg: string) => lines().filter((line) => line.msg === msg);

test.each(["socketio", "websocket", "sse"] as const)(
  "%s: a line when it opens and one when it closes, with its id",
  async (kind) => {
    const watcher = watch(kind);
    await watcher.until(({ syncs }) => syncs === 1, "synced");
    const who = { connection: "gateway-1:1", transport: kind, userId: "u", level: 20 };
    expect(told("connection opened")).toEqual([expect.objectContaining({ ...who, address: "127.0.0.1" })]);
    watcher.close();
    await eventually(() => told("connection closed").length === 1, "closed");
    expect(told("connection closed")[0]).toMatchObject({
      ...who,
      reason: "client",
      closeCode: null,
      seconds: expect.any(Number),
    });
  },
);

test("why the hub ended it, and with which code; no two connections have the same id", async () => {
  for (const count of [1, 2]) {
    const watcher = watch("websocket");
    await watcher.until(({ syncs }) => syncs === 1, "synced");
    directory.disconnect("u", "disconnected");
    await eventually(() => told("connection closed").length === count, "closed");
    watcher.close();
  }
  expect(told("connection closed")).toMatchObject([
    { connection: "gateway-1:1", reason: "disconnected", closeCode: 4401 },
    { connection: "gateway-1:2", reason: "disconnected", closeCode: 4401 },
  ]);
});

test("refusals with their code, and without their token", async () => {
  watch("websocket", "no.such.token");
  await eventually(() => told("connection refused").length > 0, "refused");
  expect(told("connection refused")[0]).toMatchObject({
    level: 20,
    transport: "websocket",
    code: "token_invalid",
  });
  expect(JSON.stringify(lines())).not.toContain("no.such.token");
});
