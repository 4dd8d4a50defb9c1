import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { watchers } from "../clients.ts";
import { event } from "../events.ts";
import {
  eventually,
  httpRequest,
  RawClient,
  type TestGateway,
  testGateway,
  tokenOf,
} from "./gateway-harness.ts";

const PHOTOS = 2_000;
const SLOW_BUFFER = 64 * 1_024;
/** A held connection buffers at most slow-buffer, one group, and the framing of that group. */
const BOUND_BYTES = SLOW_BUFFER + 64 * 1_024 + 40_000;

/** A client that can stop reading. `messages`: the JSON of what has come, controls included. */
interface Stoppable {
  stop(): void;
  go(): void;
  messages(): readonly Record<string, unknown>[];
  close(): void;
}

let hub: TestGateway;
const closers: (() => void)[] = [];

async function start(overrides: Parameters<typeof testGateway>[0] = {}) {
  hub = await testGateway({ slowBuffer: SLOW_BUFFER, ...overrides });
}

beforeEach(() => start());

afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await hub.close();
});

function webSocketClient(
  path: string,
  onText: (text: string, client: WebSocket) => string | null,
): Stoppable {
  const seen: Record<string, unknown>[] = [];
  const client = new WebSocket(`${hub.url.replace("http", "ws")}${path}`);
  client.on("error", () => {});
  client.on("message", (data) => {
    const json = onText(data.toString(), client);
    if (json !== null) seen.push(JSON.parse(json));
  });
  return {
    stop: () => client.pause(),
    go: () => client.resume(),
    messages: () => seen,
    close: () => client.terminate(),
  };
}

const stoppables = {
  websocket: async () => webSocketClient(`/ws/upload-progress?access_token=${tokenOf("u")}`, (text) => text),
  socketio: async () =>
    webSocketClient("/ws/upload-progress/?EIO=4&transport=websocket", (text, client) => {
      if (text.startsWith("0")) client.send(`40${JSON.stringify({ token: tokenOf("u") })}`);
      if (text === "2") client.send("3");
      return text.startsWith("42") ? text.slice(text.indexOf(",") + 1, -1) : null;
    }),
  sse: async () => {
    const client = await RawClient.open(
      hub.port,
      httpRequest("/api/v1/upload-progress", { Authorization: `Bearer ${tokenOf("u")}` }),
    );
    return {
      stop: () => client.socket.pause(),
      go: () => client.socket.resume(),
      messages: () =>
        [...unchunked(client.text).matchAll(/^data: (.*)$/gm)].map(([, json = ""]) => JSON.parse(json)),
      close: () => client.socket.destroy(),
    };
  },
} satisfies Record<string, () => Promise<Stoppable>>;

/** The body of a response with Transfer-Encoding: chunked, as far as its chunks are complete. */
function unchunked(response: string): string {
  let at = response.indexOf("\r\n\r\n") + 4;
  let body = "";
  for (;;) {
    const lineEnd = response.indexOf("\r\n", at);
    const size = Number.parseInt(response.slice(at, lineEnd), 16);
    if (lineEnd < 0 || Number.isNaN(size) || response.length < lineEnd + 2 + size) return body;
    body += response.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}

const photoIds = Array.from({ length: PHOTOS }, (_, index) => `photo-${index}`);

async function round(bytes: number): Promise<void> {
  await hub.engine.publish(photoIds.map((photoId) => event.progressed(bytes, { photoId })));
  // A reader that reads must get its turn.
  await new Promise((resolve) => setImmediate(resolve));
}

function finalsOf(messages: readonly Record<string, unknown>[]): Record<string, string> {
  const finals: Record<string, string> = {};
  for (const { photoId, jobId, status, progress } of messages) {
    if (jobId !== undefined) finals[String(photoId ?? jobId)] = `${status} ${progress}`;
  }
  return finals;
}

const names = ["websocket", "socketio", "sse"] as const;

test.each(names)(
  "%s: a reader that stops is held, nothing is queued for it, and it catches up",
  async (name) => {
    await hub.engine.publish([event.created({ photoCount: PHOTOS })]);
    const client = await stoppables[name]();
    closers.push(() => client.close());
    await eventually(() => client.messages().some(({ type }) => type === "synced"), "synced");
    client.stop();
    let bytes = 0;
    while (hub.gateway.stats.held === 0 && bytes < 60) {
      bytes += 1;
      await round(bytes);
    }
    expect(hub.gateway.stats).toMatchObject({ held: 1, slowHolds: 1 });
    const heldWith = hub.gateway.stats.bufferedBytes;
    expect(heldWith).toBeGreaterThan(SLOW_BUFFER);
    expect(heldWith).toBeLessThan(BOUND_BYTES);
    for (let more = 1; more <= 10; more += 1) await round(bytes + more);
    expect(hub.gateway.stats.bufferedBytes).toBeLessThanOrEqual(heldWith);
    await hub.engine.publish(photoIds.map((photoId) => event.completed({ photoId })));
    client.go();
    await eventually(
      () => client.messages().some(({ type }) => type === "job_completed"),
      "the end of the job",
      15_000,
    );
    await eventually(() => finalsOf(client.messages())["photo-1999"] === "COMPLETED 100", "the last photo");
    const finals = Object.values(finalsOf(client.messages()));
    expect(finals).toHaveLength(PHOTOS + 1);
    expect(new Set(finals)).toEqual(new Set(["COMPLETED 100"]));
    // The one before the hold, and one for each time it left a hold.
    const syncs = client.messages().filter(({ type }) => type === "synced");
    expect(syncs.length).toBeGreaterThanOrEqual(2);
    expect(syncs.at(-1)?.mode).toBe("resumed");
    await eventually(
      () => hub.gateway.stats.bufferedBytes === 0 && hub.gateway.stats.held === 0,
      "nothing buffered",
    );
  },
  30_000,
);

test("a reader that reads is not held by the same load, nor by another's hold", async () => {
  await hub.engine.publish([event.created({ photoCount: PHOTOS })]);
  const stopped = await stoppables.websocket();
  closers.push(() => stopped.close());
  await eventually(() => stopped.messages().length > 0, "synced");
  stopped.stop();
  const reading = watchers.websocket({ publicUrl: hub.url, token: tokenOf("u") });
  closers.push(() => reading.close());
  await reading.until(({ syncs }) => syncs === 1, "synced");
  for (let bytes = 1; bytes <= 30 && hub.gateway.stats.held === 0; bytes += 1) await round(bytes);
  await eventually(() => hub.gateway.stats.held === 1, "only the stopped one held");
  await hub.engine.publish([event.started({ photoId: "last" })]);
  await reading.until(({ view }) => view().has("j/last"), "live messages while another is held");
}, 30_000);

test("Socket.IO long-polling: what its client does not fetch is held, and comes with its next polls", async () => {
  const base = `${hub.url}/ws/upload-progress/?EIO=4&transport=polling`;
  const sid = JSON.parse((await (await fetch(base)).text()).slice(1)).sid;
  const url = `${base}&sid=${sid}`;
  await hub.engine.publish([event.created({ photoCount: PHOTOS })]);
  await fetch(url, { method: "POST", body: `40${JSON.stringify({ token: tokenOf("u") })}` });
  const packets: string[] = [];
  const poll = async () => packets.push(...(await (await fetch(url)).text()).split("\x1e"));
  while (!packets.some((packet) => packet.startsWith('42["synced"'))) await poll();
  for (let bytes = 1; hub.gateway.stats.held === 0 && bytes < 5; bytes += 1) await round(bytes);
  expect(hub.gateway.stats.held).toBe(1);
  for (let bytes = 5; bytes < 8; bytes += 1) await round(bytes);
  expect(hub.gateway.stats.bufferedBytes).toBeLessThan(BOUND_BYTES);
  await hub.engine.publish(photoIds.map((photoId) => event.completed({ photoId })));
  while (!packets.some((packet) => packet.startsWith('42["job_completed"'))) {
    await poll();
    if (packets.at(-1) === "2") await fetch(url, { method: "POST", body: "3" });
  }
  const messages = packets
    .filter((packet) => packet.startsWith("42["))
    .map((packet) => JSON.parse(packet.slice(packet.indexOf(",") + 1, -1)));
  expect(new Set(Object.values(finalsOf(messages)))).toEqual(new Set(["COMPLETED 100"]));
}, 30_000);

test.each(names)(
  "%s: held for slow-timeout, it is closed as too slow",
  async (name) => {
    await hub.close();
    await start({ slowTimeout: 300 });
    await hub.engine.publish([event.created({ photoCount: PHOTOS })]);
    const client = await stoppables[name]();
    closers.push(() => client.close());
    await eventually(() => client.messages().length > 0, "synced");
    client.stop();
    for (let bytes = 1; bytes < 60 && hub.gateway.stats.slowHolds === 0; bytes += 1) await round(bytes);
    await eventually(() => hub.gateway.stats.slowCloses === 1, "closed");
    expect(hub.gateway.connections[name]).toBe(0);
    client.go();
    await eventually(
      () => client.messages().some(({ type }) => type === "reconnect"),
      "told to come back",
      10_000,
    );
    if (name === "socketio") {
      expect(client.messages().find(({ type }) => type === "closing")).toEqual({
        type: "closing",
        code: 4408,
      });
    }
    await eventually(() => hub.gateway.stats.bufferedBytes === 0, "nothing buffered for it");
  },
  30_000,
);

test("one that never wakes is dropped with what it buffers", async () => {
  await hub.close();
  await start({ slowTimeout: 100 });
  await hub.engine.publish([event.created({ photoCount: PHOTOS })]);
  const client = await stoppables.websocket();
  closers.push(() => client.close());
  await eventually(() => client.messages().length > 0, "synced");
  client.stop();
  for (let bytes = 1; bytes < 60 && hub.gateway.stats.slowHolds === 0; bytes += 1) await round(bytes);
  expect(hub.gateway.stats.bufferedBytes).toBeGreaterThan(0);
  await eventually(() => hub.gateway.stats.bufferedBytes === 0, "its buffer is gone", 10_000);
}, 30_000);

test("above max-buffered the held ones are dropped, the fullest first", async () => {
  await hub.close();
  await start({ maxBuffered: 100 * 1_024, slowBuffer: 32 * 1_024 });
  await hub.engine.publish([event.created({ photoCount: PHOTOS })]);
  const clients = await Promise.all([stoppables.websocket(), stoppables.sse(), stoppables.websocket()]);
  for (const client of clients) {
    closers.push(() => client.close());
    await eventually(() => client.messages().some(({ type }) => type === "synced"), "synced");
    client.stop();
  }
  for (let bytes = 1; bytes < 60 && hub.gateway.stats.slowHolds < 3; bytes += 1) await round(bytes);
  expect(hub.gateway.stats.slowHolds).toBe(3);
  await eventually(() => hub.gateway.stats.bufferedBytes <= 100 * 1_024, "below the limit again");
  expect(hub.gateway.stats.slowCloses).toBeGreaterThan(0);
  expect(hub.gateway.stats.held).toBe(3 - hub.gateway.stats.slowCloses);
}, 30_000);
