/**
 * The `cloudevents` SDK (version 10) as the oracle of the wire format: what it writes, the hub reads, on a real socket.
 * Where the SDK itself deviates from CloudEvents 1.0.2, the hub follows the specification, and the SDK is no oracle:
 *
 * - it writes no batches; a batch is a JSON array of its structured events
 * - reading, it fails a whole batch for one wrong event; the hub rejects that event alone
 * - reading, it drops attributes and data that are falsy (0, false, ""); the hub sees them, and says what is wrong
 * - reading, it invents an id and a time where they are absent; the hub requires the id and needs no time
 * - reading, it knows only two spellings of each content type (`charset=utf-8` in lower case, after "; "); the hub
 *   takes any parameters
 * - it doesn't percent-encode header values (binding section 3.1.3.2), nor decode them
 */
import { CloudEvent, HTTP, type Message } from "cloudevents";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BATCH, EVENTS, type IngestServer, photoEvent, SECRET, startIngest } from "./ingest-server.ts";

let server: IngestServer;
beforeEach(async () => {
  server = await startIngest();
});
afterEach(() => server.close());

const data = {
  jobId: "job",
  photoId: "photo",
  userId: "ü|42",
  bytesTransferred: 0,
  totalBytes: 10,
  attempt: 1,
};
const type = "photo.upload.progressed";
const event = new CloudEvent({ type, source: "/uploader/7", data, jobscope: "user" });
const expected = { ...data, type, source: "/uploader/7", id: event.id, scope: "user" };

async function send(headers: Record<string, string>, body: string): Promise<Response> {
  const all = { ...headers, authorization: `Bearer ${SECRET}` };
  return fetch(server.origin + EVENTS, { method: "POST", headers: all, body });
}

function sendMessage({ headers, body }: Message): Promise<Response> {
  const texts = Object.entries(headers).map(([name, value]) => [name, String(value)]);
  return send(Object.fromEntries(texts), String(body));
}

describe("what the SDK writes", () => {
  it.each([
    ["structured", HTTP.structured(event)],
    ["binary", HTTP.binary(event)],
  ])("%s", async (_, message) => {
    const response = await sendMessage(message);
    expect(await response.json()).toEqual({ accepted: 1, unchanged: 0, rejected: [] });
    expect(server.published).toEqual([expected]);
  });

  it("as a batch", async () => {
    const other = event.cloneWith({ id: "other", data: { ...data, bytesTransferred: 5 } });
    const response = await send({ "content-type": BATCH }, JSON.stringify([event, other]));
    expect(response.status).toBe(200);
    expect(server.published).toEqual([expected, { ...expected, id: "other", bytesTransferred: 5 }]);
  });

  it("as binary data, which becomes data_base64", async () => {
    const bytes = new Uint8Array(Buffer.from(JSON.stringify(data)));
    const binary = new CloudEvent({ ...event, data: bytes, datacontenttype: "application/json" });
    expect((await sendMessage(HTTP.structured(binary))).status).toBe(200);
    expect(server.published).toEqual([expected]);
  });
});

describe("where the SDK is no oracle", () => {
  it("one wrong event of a batch is rejected alone", async () => {
    const batch = JSON.stringify([photoEvent("good"), { ...photoEvent("bad"), source: "" }]);
    expect(() => HTTP.toEvent({ headers: { "content-type": BATCH }, body: batch })).toThrow();
    const response = await send({ "content-type": BATCH }, batch);
    expect(await response.json()).toMatchObject({ accepted: 1, rejected: [{ index: 1, id: "bad" }] });
  });

  it("falsy data and ids are seen, not replaced", async () => {
    const empty = { ...photoEvent("e"), id: "", data: 0 };
    const headers = { "content-type": "application/cloudevents+json" };
    const read = HTTP.toEvent({ headers, body: JSON.stringify(empty) });
    expect(read).toMatchObject({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), time: expect.any(String) });
    const response = await send(headers, JSON.stringify(empty));
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      rejected: [{ id: null, message: expect.stringContaining("id") }],
    });
  });

  it("any spelling of the charset is taken", async () => {
    const headers = { "content-type": "application/cloudevents+json;charset=UTF-8" };
    expect(() => HTTP.toEvent({ headers, body: JSON.stringify(photoEvent("e")) })).toThrow();
    expect((await send(headers, JSON.stringify(photoEvent("e")))).status).toBe(200);
  });

  it("header values are percent-decoded", async () => {
    const message = HTTP.binary(event.cloneWith({ id: "50%25%20%E2%82%AC" }));
    expect((await sendMessage(message)).status).toBe(200);
    expect(server.published[0]?.id).toBe("50% €");
  });
});
