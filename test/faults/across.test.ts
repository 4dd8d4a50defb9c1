import { afterEach, expect, test } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { type Watcher, watchers } from "../clients.ts";
import { type Cluster, INGEST_TOKEN, startCluster, tokenFor } from "./cluster.ts";
import { endScenes } from "./scene.ts";

// What holds over all gateways: limits a user, orders of operators. Each user is on both gateways before anything is told.

const ADMIN_TOKEN = "faults-admin-token-that-is-long-enough";
const FLAGS = ["--workers", "2", "--admin-token", ADMIN_TOKEN];
const KINDS = ["websocket", "sse", "socketio"] as const;

const open: Watcher[] = [];
afterEach(() => {
  for (const watcher of open.splice(0)) watcher.close();
  endScenes();
});

test("max-connections-per-user: the oldest of all gateways goes, for good, and only that one", async () => {
  const hub = await startCluster(...FLAGS, "--max-connections-per-user", "3");
  const others = await watch(hub, "websocket", "other");
  const mine: Watcher[] = [];
  for (let device = 0; device < 8; device += 1) mine.push(await watch(hub, "websocket", "u"));
  await until(() => mine.filter(({ ends }) => ends.length > 0).length === 5, "five have gone", 5_000);
  expect(mine.slice(0, 5).map(({ ends }) => ends)).toEqual(
    Array.from({ length: 5 }, () => [{ code: 4429, reason: "replaced" }]),
  );
  expect([...mine.slice(5), others].flatMap(({ ends }) => ends)).toEqual([]);
  expect(await admin(hub, "GET", "connections?userId=u")).toMatchObject({ total: 4, users: 2 });
});

test("disconnect reaches every connection of the user, on every gateway and transport, and nobody else's", async () => {
  const hub = await startCluster(...FLAGS);
  const others = await onBothGateways(hub, "other");
  const mine = await onBothGateways(hub, "u");
  const poll = fetch(`${hub.publicUrl}/api/v1/upload-progress?wait=30s`, {
    headers: { accept: "application/json", authorization: `Bearer ${tokenFor("u")}` },
  });
  await until(async () => (await countOf(hub, "u")) === mine.length + 1, "all are known", 5_000);
  expect(await admin(hub, "POST", "users/u/disconnect")).toEqual({ disconnected: mine.length + 1 });
  for (const watcher of mine) await watcher.until(({ ends }) => ends.length > 0, "closed");
  const native = mine.filter(({ kind }) => kind === "websocket");
  expect(native.flatMap(({ ends }) => ends)).toEqual(
    native.map(() => ({ code: 4401, reason: "disconnected" })),
  );
  expect((await poll).status).toBe(401);
  expect(others.flatMap(({ ends }) => ends)).toEqual([]);
});

test("a user is forgotten on all gateways: whoever is connected is told so", async () => {
  const hub = await startCluster(...FLAGS);
  const mine = await onBothGateways(hub, "u");
  await publish(hub, "u", "j");
  for (const watcher of mine) await watcher.until(({ messages }) => messages.length > 0, "the job is shown");
  expect(await admin(hub, "DELETE", "users/u")).toEqual({ forgotten: 1 });
  for (const watcher of mine) {
    await watcher.until((one) => one.view().size === 0, "nothing is left of it");
    expect(watcher.controls.at(-1)).toMatchObject({ type: "synced", mode: "snapshot" });
    expect(watcher.ends).toEqual([]);
  }
});

test("a revoked token ends what came with it on all gateways, and is refused by a gateway and a core made later", async () => {
  const hub = await startCluster(...FLAGS);
  const mine = await onBothGateways(hub, "u");
  const issuedBefore = Math.floor(Date.now() / 1_000) + 60;
  await admin(hub, "POST", "tokens/revoke", { userId: "u", issuedBefore });
  for (const watcher of mine) await watcher.until(({ ends }) => ends.length > 0, "closed", 2_000);
  const [old = 0] = hub.gatewayPids();
  const core = hub.corePid();
  process.kill(old, "SIGKILL");
  await hub.untilGateways(2, [old], 5_000);
  process.kill(core ?? 0, "SIGKILL");
  await hub.untilCorePid(core, 5_000);
  process.kill(hub.pid, "SIGHUP");
  await hub.untilGateways(2, hub.gatewayPids(), 20_000);
  for (let attempt = 0; attempt < 6; attempt += 1) {
    const answer = await fetch(`${hub.publicUrl}/api/v1/upload-progress`, {
      headers: {
        accept: "application/json",
        authorization: `Bearer ${tokenFor("u")}`,
        connection: "close",
      },
    });
    expect({ status: answer.status, ...Object(await answer.json()) }).toMatchObject({
      status: 401,
      code: "token_revoked",
    });
  }
});

async function watch(hub: Cluster, kind: (typeof KINDS)[number], userId: string): Promise<Watcher> {
  const watcher = watchers[kind]({ publicUrl: hub.publicUrl, token: tokenFor(userId) });
  open.push(watcher);
  await watcher.until(({ syncs }) => syncs > 0, "synced");
  return watcher;
}

/** Six connections of three kinds: the hub deals them out so that each gateway has some. */
async function onBothGateways(hub: Cluster, userId: string): Promise<Watcher[]> {
  const watching: Watcher[] = [];
  for (const kind of [...KINDS, ...KINDS]) watching.push(await watch(hub, kind, userId));
  const known = Object(await admin(hub, "GET", `connections?userId=${userId}`));
  const gateways = new Set(known.connections.map(({ gateway }: { gateway: string }) => gateway));
  expect(gateways.size).toBe(2);
  return watching;
}

async function countOf(hub: Cluster, userId: string): Promise<number> {
  return Object(await admin(hub, "GET", `connections?userId=${userId}`)).connections.length;
}

async function admin(hub: Cluster, method: string, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${hub.internalUrl}/api/v1/admin/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${ADMIN_TOKEN}`,
      ...(body && { "content-type": "application/json" }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(answer.status).toBe(200);
  return answer.json();
}

async function publish(hub: Cluster, userId: string, jobId: string): Promise<void> {
  const data = { jobId, photoId: "p", userId, bytesTransferred: 1, totalBytes: 2 };
  const event = { specversion: "1.0", source: "/across", id: "1", type: "photo.upload.progressed", data };
  const answer = await fetch(`${hub.internalUrl}/api/v1/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${INGEST_TOKEN}`,
      "content-type": "application/cloudevents+json",
    },
    body: JSON.stringify(event),
  });
  expect(answer.status).toBe(200);
}
