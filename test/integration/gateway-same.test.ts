import { afterEach, beforeEach, expect, test } from "vitest";
import { type Watcher, type WatcherKind, watchers } from "../clients.ts";
import { event } from "../events.ts";
import { type TestGateway, testGateway, tokenOf } from "./gateway-harness.ts";

let hub: TestGateway;
const open: Watcher[] = [];

beforeEach(async () => {
  hub = await testGateway();
});

afterEach(async () => {
  for (const watcher of open.splice(0)) watcher.close();
  await hub.close();
});

function watch(kind: WatcherKind, more: Partial<Parameters<(typeof watchers)["sse"]>[0]> = {}): Watcher {
  const watcher = watchers[kind]({ publicUrl: hub.url, token: tokenOf("u"), ...more });
  open.push(watcher);
  return watcher;
}

const LIVE = ["socketio", "websocket", "sse"] as const;

test("what is sent is the same on every transport, byte for byte, and in the order of ids", async () => {
  await hub.engine.publish([event.created({ photoCount: 2, title: "Ümläute ☃ 😀" }), event.started()]);
  const all = [
    ...LIVE.map((kind) => watch(kind)),
    watch("socketio", { transports: ["websocket"] }),
    watch("polling"),
  ];
  for (const watcher of all) await watcher.until(({ syncs }) => syncs > 0, "the snapshot");
  for (let bytes = 100; bytes <= 1_000; bytes += 100) {
    await hub.engine.publish([event.progressed(bytes)]);
  }
  await hub.engine.publish([
    event.completed(),
    event.started({ photoId: "q" }),
    event.completed({ photoId: "q" }),
  ]);
  for (const watcher of all) {
    await watcher.until(({ view }) => view().get("j")?.type === "job_completed", "the end of the job");
  }
  const [first, ...others] = all.filter(({ kind }) => kind !== "polling");
  expect(first?.raw.length).toBeGreaterThan(20);
  for (const other of others) expect(other.raw).toEqual(first?.raw);
  const ids = first?.messages.map(({ id }) => Number(id.split("-")[1])) ?? [];
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  expect(new Set(ids).size).toBe(ids.length);
  // A poll sees present states alone; each is a message the others got.
  const polled = all.at(-1);
  expect(polled?.view()).toEqual(first?.view());
  expect(first?.raw).toEqual(expect.arrayContaining(polled?.raw.slice(-1) ?? []));
});

test.each(LIVE)("%s: the snapshot comes first, then synced with the head, then live", async (kind) => {
  await hub.engine.publish([event.created(), event.started(), event.progressed(500)]);
  const watcher = watch(kind);
  await watcher.until(({ syncs }) => syncs === 1, "synced");
  expect(watcher.messages.map(({ type }) => type)).toEqual([
    "upload_started",
    "upload_progress",
    "job_progress",
  ]);
  const synced = watcher.controls.find(({ type }) => type === "synced");
  expect(synced).toEqual({ type: "synced", mode: "snapshot", id: watcher.messages.at(-1)?.id });
  await hub.engine.publish([event.progressed(600)]);
  await watcher.until(({ messages }) => messages.length === 5, "the live messages");
});

test.each(LIVE)("%s: only the job asked for, and nothing of another user's", async (kind) => {
  const watcher = watch(kind, { jobId: "mine" });
  const probing = watchers[kind]({ publicUrl: hub.url, token: tokenOf("other"), jobId: "mine" });
  open.push(probing);
  await watcher.until(({ syncs }) => syncs === 1, "synced, though nobody knows the job");
  expect(watcher.controls[0]).toEqual({ type: "synced", mode: "snapshot", id: expect.any(String) });
  // EventSource would come back with it, and be told that the job is gone.
  if (kind === "sse") expect(watcher.lastId).toBeNull();
  await probing.until(({ syncs }) => syncs === 1, "synced");
  await hub.engine.publish([
    event.started({ jobId: "mine" }),
    event.started({ jobId: "else" }),
    event.progressed(10, { jobId: "mine" }),
  ]);
  await watcher.until(({ messages }) => messages.some(({ type }) => type === "upload_progress"), "progress");
  expect(new Set(watcher.messages.map(({ jobId }) => jobId))).toEqual(new Set(["mine"]));
  expect(probing.messages).toEqual([]);
  expect(probing.controls).toEqual(watcher.controls);
});

test.each(LIVE)("%s: cut at any message and resumed, it shows what one never cut shows", async (kind) => {
  await hub.engine.publish([event.created({ photoCount: 1 }), event.started(), event.progressed(100)]);
  const steady = watch(kind);
  let cut = watch(kind);
  await cut.until(({ syncs }) => syncs === 1, "synced");
  for (let bytes = 200; bytes <= 800; bytes += 200) {
    const seen = cut.messages.length;
    cut.close();
    await hub.engine.publish([event.progressed(bytes)]);
    cut = watch(kind, { continues: cut });
    await cut.until(({ syncs, messages }) => syncs === 1 && messages.length > seen, "what it missed");
    expect(cut.controls[0]?.mode).toBe("resumed");
  }
  await hub.engine.publish([event.completed()]);
  for (const watcher of [steady, cut]) {
    await watcher.until(({ view }) => view().get("j")?.type === "job_completed", "the end");
  }
  expect(cut.view()).toEqual(steady.view());
});
