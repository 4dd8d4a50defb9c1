import { connect } from "node:net";
import { EventSource } from "eventsource";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { event } from "../events.ts";
import {
  eventually,
  httpRequest,
  RawClient,
  type TestGateway,
  testGateway,
  tokenOf,
} from "./gateway-harness.ts";

const PATH = "/api/v1/upload-progress";
let hub: TestGateway;

beforeEach(async () => {
  hub = await testGateway();
});

afterEach(() => hub.close());

const authorization = () => ({ authorization: `Bearer ${tokenOf("u")}` });

function stream(path: string, headers: Record<string, string> = {}) {
  return fetch(`${hub.url}${path}`, { headers: { ...authorization(), ...headers } });
}

async function endedJob() {
  await hub.engine.publish([event.created({ photoCount: 1 }), event.started(), event.progressed(500)]);
  await hub.engine.publish([event.completed()]);
}

function blocksOf(text: string): Record<string, string>[] {
  return text
    .split("\n\n")
    .filter(Boolean)
    .map((block) =>
      Object.fromEntries(
        block
          .split("\n")
          .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
      ),
    );
}

test("curl of an ended job shows retry:, id/event/data blocks and synced, and ends", async () => {
  await endedJob();
  const answer = await stream(`${PATH}/j`, { accept: "*/*" });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  expect(answer.headers.get("cache-control")).toBe("no-cache, no-transform");
  expect(answer.headers.get("x-accel-buffering")).toBe("no");
  expect(answer.headers.get("pragma")).toBeNull();
  const text = await answer.text();
  expect(text).toMatch(/^retry: ?\d+\n\n(id: \S+\nevent: \w+\ndata: \{.*\}\n\n)+$/);
  const blocks = blocksOf(text).slice(1);
  expect(blocks.map((block) => block.event)).toEqual([
    "upload_started",
    "upload_completed",
    "job_completed",
    "synced",
  ]);
  for (const { id, event: name, data = "" } of blocks)
    expect(JSON.parse(data)).toMatchObject({ id, type: name });
});

test("query parameters of better-sse's own add nothing", async () => {
  await endedJob();
  const text = await (await stream(`${PATH}/j?padding&evs_preamble&evs_last_event_id=x`)).text();
  expect(text).toMatch(/^retry: ?\d+\n\n(id: \S+\nevent: \w+\ndata: \{.*\}\n\n)+$/);
});

test("a stream that waits behind another answer on its connection gets its snapshot", async () => {
  await hub.engine.publish([event.created(), event.started()]);
  const [, id] =
    /"id":"([^"]+)"/.exec(await (await stream(PATH, { accept: "application/json" })).text()) ?? [];
  const { hostname, port } = new URL(hub.url);
  const socket = connect(Number(port), hostname);
  let text = "";
  socket.on("data", (bytes) => {
    text += String(bytes);
  });
  const asks = (path: string, accept: string) =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${tokenOf("u")}\r\nAccept: ${accept}\r\n\r\n`;
  socket.write(asks(`${PATH}?wait=1s&since=${id}`, "application/json") + asks(PATH, "text/event-stream"));
  await expect.poll(() => text).toContain("event: synced");
  expect(text).toMatch(/event: upload_started[\s\S]+event: job_progress[\s\S]+event: synced/);
  socket.destroy();
});

test("a live stream ends after job_completed, without reconnect", async () => {
  await hub.engine.publish([event.created({ photoCount: 1 }), event.started()]);
  const answer = await stream(`${PATH}/j`);
  await eventually(() => hub.gateway.connections.sse === 1, "the stream is open");
  await hub.engine.publish([event.completed()]);
  const blocks = blocksOf(await answer.text());
  expect(blocks.at(-1)?.event).toBe("job_completed");
  expect(blocks.some((block) => block.event === "reconnect")).toBe(false);
  expect(hub.gateway.connections.sse).toBe(0);
});

describe("a reconnect", () => {
  const lastIdOf = async () => blocksOf(await (await stream(`${PATH}/j`)).text()).at(-1)?.id ?? "";

  test("with the id of the end gets 204, by header and by query", async () => {
    await endedJob();
    const id = await lastIdOf();
    expect((await stream(`${PATH}/j`, { "Last-Event-ID": id })).status).toBe(204);
    expect((await stream(`${PATH}/j?lastEventId=${id}`)).status).toBe(204);
  });

  test("of an ended job with an earlier id gets what is left, and ends", async () => {
    await endedJob();
    const [, first] = blocksOf(await (await stream(`${PATH}/j`)).text());
    const answer = await stream(`${PATH}/j`, { "Last-Event-ID": first?.id ?? "" });
    expect(answer.status).toBe(200);
    expect(blocksOf(await answer.text()).at(-2)?.event).toBe("job_completed");
  });

  test("with an id, of a job nobody knows, gets 204; without one, or a malformed one, it waits", async () => {
    await endedJob();
    const id = await lastIdOf();
    expect((await stream(`${PATH}/unknown`, { "Last-Event-ID": id })).status).toBe(204);
    for (const headers of [{}, { "Last-Event-ID": "!" }]) {
      const client = await RawClient.open(
        hub.port,
        httpRequest(`${PATH}/unknown`, { ...authorization(), ...headers }),
      );
      await client.until(/event: synced/, "synced");
      expect(client.text).not.toMatch(/^id:/m);
      client.socket.destroy();
    }
  });

  test("with an id of another epoch gets a snapshot, not 204", async () => {
    await endedJob();
    const answer = await stream(`${PATH}/j`, { "Last-Event-ID": "zzz-99999999999999" });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toMatch(/"mode":"snapshot"/);
  });

  test("the header wins over the query", async () => {
    await endedJob();
    const id = await lastIdOf();
    const answer = await stream(`${PATH}/j?lastEventId=zzz-1`, { "Last-Event-ID": id });
    expect(answer.status).toBe(204);
  });

  test("EventSource stops for good after the end of the job", async () => {
    await endedJob();
    const source = new EventSource(`${hub.url}${PATH}/j?access_token=${tokenOf("u")}`);
    const codes: (number | undefined)[] = [];
    source.addEventListener("error", ({ code }) => codes.push(code));
    await eventually(() => source.readyState === source.CLOSED, "stopped", 8_000);
    expect(codes.at(-1)).toBe(204);
  });
});

test("heartbeats are comments, and nothing else comes by itself", async () => {
  await hub.close();
  hub = await testGateway({ heartbeatInterval: 60 });
  const client = await RawClient.open(hub.port, httpRequest(PATH, authorization()));
  await client.until(/(\r\n:\n\n\r\n[\s\S]*){3}/, "three comments");
  expect(client.text.match(/event:/g)).toHaveLength(1);
  client.socket.destroy();
});

test("at sse-max-age it says reconnect with retry:, and ends at 80 to 100 % of it", async () => {
  await hub.close();
  hub = await testGateway({ sseMaxAge: 500 });
  const startMs = performance.now();
  const text = await (await stream(PATH)).text();
  const tookMs = performance.now() - startMs;
  expect(tookMs).toBeGreaterThan(390);
  expect(tookMs).toBeLessThan(1_500);
  const last = blocksOf(text).at(-1);
  expect(last?.event).toBe("reconnect");
  expect(last).not.toHaveProperty("id");
  expect(JSON.parse(last?.data ?? "")).toEqual({ type: "reconnect", afterMs: Number(last?.retry) });
});

test("a client that goes away leaves nothing behind", async () => {
  const client = await RawClient.open(hub.port, httpRequest(PATH, authorization()));
  await eventually(() => hub.gateway.connections.sse === 1, "counted");
  client.socket.destroy();
  await eventually(() => hub.gateway.connections.sse === 0, "not counted any more");
});
