import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type Watcher, watchers } from "../clients.ts";
import { event } from "../events.ts";
import { INGEST_TOKEN, startTestHub, type TestHub } from "../hub.ts";
import { scrape } from "../metrics.ts";
import { eventually } from "./gateway-harness.ts";

const PATH = "/api/v1/upload-progress";
let hub: TestHub;
const open: Watcher[] = [];

beforeEach(async () => {
  hub = await startTestHub({ progressInterval: 0, jobInterval: 0, slowBuffer: 16 * 1_024 });
});

afterEach(async () => {
  for (const watcher of open.splice(0)) watcher.close();
  await hub.close();
});

function watch(kind: "socketio" | "websocket" | "sse", token: string, more = {}): Watcher {
  const watcher = watchers[kind]({ publicUrl: hub.publicUrl, token, ...more });
  open.push(watcher);
  return watcher;
}

async function synced(kind: "socketio" | "websocket" | "sse", more = {}): Promise<Watcher> {
  const watcher = watch(kind, hub.tokenFor("u"), more);
  await watcher.until(({ syncs }) => syncs === 1, "synced");
  return watcher;
}

async function metric(series: string): Promise<number | undefined> {
  return (await scrape(hub.internalUrl)).get(series);
}

test("is text as Prometheus wants it, open, and for GET alone", async () => {
  const response = await fetch(`${hub.internalUrl}/metrics`);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await response.text()).toMatch(
    /^# HELP progress_hub_build_info .+\n# TYPE progress_hub_build_info gauge\n/,
  );
  const post = await fetch(`${hub.internalUrl}/metrics`, { method: "POST" });
  expect(post.status).toBe(405);
  expect((await fetch(`${hub.publicUrl}/metrics`)).status).toBe(404);
});

test("events by source, type and result, and what is shown of them", async () => {
  await hub.post([
    event.started(),
    event.progressed(100),
    event.progressed(50),
    event.progressed(9, { userId: "x" }),
  ]);
  const bad = { specversion: "1.0", id: "1", source: "/s", type: "photo.upload.failed", data: {} };
  for (const body of [bad, { ...bad, type: "photo.deleted" }]) {
    await fetch(`${hub.internalUrl}/api/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${INGEST_TOKEN}`, "content-type": "application/cloudevents+json" },
      body: JSON.stringify(body),
    });
  }
  await fetch(`${hub.internalUrl}/api/v1/hooks/tusd?access_token=${INGEST_TOKEN}`, {
    method: "POST",
    body: JSON.stringify({ Type: "post-finish", Event: { Upload: { ID: "a", Size: 1 } } }),
  });
  const series = await scrape(hub.internalUrl);
  const events = [...series].filter(([name]) => name.startsWith("events_total"));
  const named = (source: string, type: string, result: string) =>
    `events_total{source="${source}",type="${type}",result="${result}"}`;
  expect(Object.fromEntries(events)).toEqual({
    [named("cloudevents", "photo.upload.started", "accepted")]: 1,
    [named("cloudevents", "photo.upload.progressed", "accepted")]: 1,
    [named("cloudevents", "photo.upload.progressed", "unchanged")]: 1,
    [named("cloudevents", "photo.upload.progressed", "owner_mismatch")]: 1,
    [named("cloudevents", "photo.upload.failed", "invalid_field")]: 1,
    [named("cloudevents", "unknown", "unknown_type")]: 1,
    [named("tusd", "unknown", "token_missing")]: 1,
  });
  expect(series.get('messages_shown_total{type="upload_started"}')).toBe(1);
  expect(series.get('messages_shown_total{type="upload_progress"}')).toBeGreaterThanOrEqual(1);
  // Those that were refused have no age.
  expect(series.get('event_age_seconds_count{stage="merged"}')).toBe(3);
  expect(series.get("jobs")).toBe(1);
  expect(series.get("open_photos")).toBe(1);
});

test.each(["socketio", "websocket", "sse"] as const)(
  "%s: connections, handshakes and messages written",
  async (kind) => {
    const watcher = await synced(kind);
    await hub.post([event.started()]);
    await watcher.until(({ messages }) => messages.length === 2, "photo and job");
    const series = await scrape(hub.internalUrl);
    expect(series.get(`connections{transport="${kind}"}`)).toBe(1);
    expect(series.get(`handshakes_total{transport="${kind}",result="ok"}`)).toBe(1);
    expect(series.get(`messages_written_total{transport="${kind}"}`)).toBe(2);
    expect(series.get('event_age_seconds_count{stage="written"}')).toBe(2);
    expect(series.get('event_age_seconds_bucket{stage="written",le="10"}')).toBe(2);
    expect(series.get('event_age_seconds_count{stage="routed"}')).toBe(2);
  },
);

test("a poll is a handshake each time, and counts what it was given", async () => {
  await hub.post([event.started()]);
  const headers = { authorization: `Bearer ${hub.tokenFor("u")}`, accept: "application/json" };
  for (const path of ["", "/j", "/no-such-job"]) await fetch(`${hub.publicUrl}${PATH}${path}`, { headers });
  const series = await scrape(hub.internalUrl);
  expect(series.get('handshakes_total{transport="polling",result="ok"}')).toBe(2);
  expect(series.get('handshakes_total{transport="polling",result="job_not_found"}')).toBe(1);
  expect(series.get('messages_written_total{transport="polling"}')).toBe(4);
  expect(series.get('event_age_seconds_count{stage="written"}')).toBe(0);
});

test("refused handshakes, by transport and code", async () => {
  for (const kind of ["socketio", "websocket", "sse"] as const) watch(kind, "not-a-token");
  const expired = hub.tokenFor("u", -1);
  await fetch(`${hub.publicUrl}${PATH}?access_token=${expired}`, { headers: { accept: "application/json" } });
  await fetch(`${hub.publicUrl}${PATH}`, { headers: { origin: "https://elsewhere.example" } });
  const expected = [
    'handshakes_total{transport="socketio",result="token_invalid"}',
    'handshakes_total{transport="websocket",result="token_invalid"}',
    'handshakes_total{transport="sse",result="token_invalid"}',
    'handshakes_total{transport="sse",result="origin_not_allowed"}',
    'handshakes_total{transport="polling",result="token_expired"}',
  ];
  await eventually(async () => {
    const series = await scrape(hub.internalUrl);
    return expected.every((name) => (series.get(name) ?? 0) >= 1);
  }, "all refusals are counted");
});

test("resumes by mode", async () => {
  const first = await synced("websocket");
  await hub.post([event.started()]);
  await first.until(({ messages }) => messages.length === 2, "photo and job");
  first.close();
  await synced("websocket", { lastEventId: first.lastId });
  const series = await scrape(hub.internalUrl);
  expect(series.get('resumes_total{mode="snapshot"}')).toBe(1);
  expect(series.get('resumes_total{mode="resumed"}')).toBe(1);
});

test("a client that stops reading: a slow hold, bytes buffered, then none", async () => {
  const url = `${hub.publicUrl.replace("http", "ws")}/ws/upload-progress?access_token=${hub.tokenFor("u")}`;
  const client = new WebSocket(url);
  let isSynced = false;
  client.on("message", () => {
    isSynced = true;
  });
  await eventually(() => isSynced, "synced");
  client.pause();
  const photos = Array.from({ length: 2_000 }, (_, index) => `photo-${index}`);
  for (let bytes = 1; bytes < 60 && hub.stats().gateway.slowHolds === 0; bytes += 1)
    await hub.engine.publish(photos.map((photoId) => event.progressed(bytes, { photoId })));
  const held = await scrape(hub.internalUrl);
  expect(held.get("slow_holds_total")).toBe(1);
  expect(held.get("slow_held")).toBe(1);
  expect(held.get("slow_closes_total")).toBe(0);
  expect(held.get("buffered_bytes")).toBeGreaterThan(16 * 1_024);
  client.terminate();
  await eventually(async () => (await metric("slow_held")) === 0, "it is gone");
  expect(await metric("buffered_bytes")).toBe(0);
  expect(await metric("slow_holds_total")).toBe(1);
});
