import { afterEach, expect, test } from "vitest";
import { event } from "../events.ts";
import { toCloudEvent } from "../hub.ts";
import {
  endBaselines,
  expectRisingIds,
  interleaved,
  photoStory,
  startBaseline,
  storyOf,
  untilEnded,
  watch,
} from "./baseline-process.ts";

afterEach(endBaselines);

test("gives every device of a user, WebSocket or SSE, the user's messages and nobody else's", async () => {
  const relay = await startBaseline("bare-relay");
  const devices = await Promise.all([
    watch("websocket", relay, "anna"),
    watch("sse", relay, "anna"),
    watch("websocket", relay, "bob"),
  ]);
  const answer = await relay.post(interleaved());
  expect([answer.status, await answer.json()]).toEqual([200, { accepted: 14, unchanged: 0, rejected: [] }]);
  for (const device of devices) await untilEnded(device);
  const [webSocket, sse, other] = devices;
  for (const [device, jobId] of [[webSocket, "job-anna"] as const, [other, "job-bob"] as const]) {
    expect(storyOf(device).slice(0, 4)).toEqual(photoStory(jobId));
    expect(device.messages.map(({ jobId: id }) => id)).toEqual(new Array(6).fill(jobId));
    expectRisingIds(device.messages, "bare-");
  }
  expect(sse.raw).toEqual(webSocket.raw);
  expect(webSocket.messages[1]).toMatchObject({ bytesTransferred: 455, totalBytes: 1000, attempt: 1 });
});

test("takes one structured event, and refuses what is no JSON", async () => {
  const relay = await startBaseline("bare-relay");
  const device = await watch("websocket", relay, "anna");
  const url = `${relay.internalUrl}/api/v1/events`;
  const body = JSON.stringify(toCloudEvent(event.progressed(10, { userId: "anna" })));
  expect((await fetch(url, { method: "POST", body })).status).toBe(200);
  await device.until(({ messages }) => messages.length === 1, "its message");
  expect((await fetch(url, { method: "POST", body: "{" })).status).toBe(400);
  expect((await fetch(url, { method: "POST", body: '[null,{"type":"photo.upload.started"}]' })).status).toBe(
    200,
  );
  expect((await fetch(`${relay.publicUrl}/api/v1/upload-progress`)).status).toBe(401);
});
