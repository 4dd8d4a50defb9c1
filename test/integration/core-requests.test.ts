import { afterEach, beforeEach, expect, test } from "vitest";
import { settingsFor } from "../../src/config/load.ts";
import { type Hub, startHub } from "../../src/core/hub.ts";
import { INGEST_TOKEN, JWT_SECRET } from "../hub.ts";
import { type LogLine, recordedLog } from "../log-lines.ts";
import { httpRequest, RawClient } from "./gateway-harness.ts";

let hub: Hub;
let lines: () => readonly LogLine[];

beforeEach(async () => {
  const recorded = recordedLog();
  lines = recorded.lines;
  const settings = settingsFor({
    host: "127.0.0.1",
    port: 0,
    internalPort: 0,
    jwtSecret: [JWT_SECRET],
    ingestToken: [INGEST_TOKEN],
    dataDir: null,
  });
  hub = await startHub({ settings, log: recorded.log });
});

afterEach(() => hub.close());

/** A hook that is answered 200 and leaves a line, since nobody's token is in it. */
async function refusedHook(headers: Record<string, string>): Promise<string> {
  const url = `${hub.internalUrl}/api/v1/hooks/tusd?access_token=${INGEST_TOKEN}`;
  const body = JSON.stringify({ Type: "post-finish", Event: { Upload: { ID: "a", Size: 1 } } });
  const response = await fetch(url, { method: "POST", headers, body });
  expect(response.status).toBe(200);
  return response.headers.get("x-request-id") ?? "";
}

test("a request id is answered back, and is in every line of its request", async () => {
  const id = "deploy-7.retry_2";
  expect(await refusedHook({ "X-Request-Id": id })).toBe(id);
  const own = lines().filter(({ requestId }) => requestId === id);
  expect(own.map(({ msg }) => msg)).toEqual(["event of a tusd hook rejected", "request"]);
  expect(own.at(-1)).toMatchObject({ method: "POST", path: "/api/v1/hooks/tusd", status: 200 });
});

test.each([
  ["with a space", "a b"],
  ["quoted", '"x"'],
  ["too long", "x".repeat(129)],
  ["empty", ""],
])("one that is %s is not taken over: another is made", async (_what, id) => {
  const made = await refusedHook({ "X-Request-Id": id });
  expect(made).toMatch(/^[0-9a-f-]{36}$/);
  expect(lines().filter(({ requestId }) => requestId === made)).toHaveLength(2);
  expect(await refusedHook({})).not.toBe(made);
});

test("every answer has one: errors, unknown paths, requests that can't be understood", async () => {
  const headers = { "x-request-id": "x".repeat(128) };
  for (const path of ["/healthz", "/nope", "/api/v1/events", "/metrics"]) {
    const response = await fetch(hub.internalUrl + path, { headers });
    expect(response.headers.get("x-request-id")).toBe(headers["x-request-id"]);
  }
  const port = Number(new URL(hub.internalUrl).port);
  const client = await RawClient.open(
    port,
    httpRequest("/%", { "X-Request-Id": "abc", Connection: "close" }),
  );
  await client.until(/^HTTP\/1.1 400 [\s\S]*x-request-id: abc\r\n/i, "the answer");
});

test.each([
  ["past Fastify", ""],
  ["with a query, through it", "?from=7"],
])("events that come %s are answered and logged alike", async (_what, query) => {
  const headers = { authorization: `Bearer ${INGEST_TOKEN}`, "content-type": "application/cloudevents+json" };
  const event = {
    ...{ specversion: "1.0", id: "e", source: "/test", type: "photo.upload.started" },
    data: { jobId: "j", photoId: "p", userId: "u" },
  };
  const publish = (body: string, id: string) =>
    fetch(`${hub.internalUrl}/api/v1/events${query}`, {
      method: "POST",
      headers: { ...headers, "x-request-id": id },
      body,
    });
  const taken = await publish(JSON.stringify(event), "taken");
  expect([taken.status, taken.headers.get("x-request-id")]).toEqual([200, "taken"]);
  expect(await taken.json()).toEqual({ accepted: 1, unchanged: 0, rejected: [] });
  const refused = await publish("{", "refused");
  expect([refused.status, refused.headers.get("x-request-id")]).toEqual([400, "refused"]);
  for (const [requestId, status] of [
    ["taken", 200],
    ["refused", 400],
  ]) {
    await expect
      .poll(() => lines().filter((line) => line.requestId === requestId))
      .toMatchObject([{ msg: "request", method: "POST", path: "/api/v1/events", status }]);
  }
});
