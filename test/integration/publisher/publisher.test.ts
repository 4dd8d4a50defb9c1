import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  createPublisher,
  type HttpPublisherOptions,
  type PublishEvent,
  type Publisher,
} from "../../../src/index.ts";
import { completed, fate, progress } from "./publishing.ts";
import {
  accept,
  answer,
  problem,
  reject,
  reset,
  type ScriptedHub,
  silence,
  startScriptedHub,
} from "./scripted-hub.ts";

let hub: ScriptedHub;
const publishers: Publisher[] = [];

beforeEach(async () => {
  hub = await startScriptedHub();
});

afterEach(async () => {
  await Promise.all(publishers.splice(0).map((publisher) => publisher.close(0)));
  await hub.close();
});

/** Nothing is sent before `flush()`. */
const ONE_BATCH = { flushIntervalMs: 600_000 };

function publisherOf(options: Partial<HttpPublisherOptions> = {}): Publisher {
  const publisher = createPublisher({
    url: hub.url,
    token: "secret",
    flushIntervalMs: 5,
    ...options,
    retry: { minMs: 5, maxMs: 20, ...options.retry },
  });
  publishers.push(publisher);
  return publisher;
}

const photosOf = (events: readonly { data: Readonly<Record<string, unknown>> }[]) =>
  events.map(({ data }) => data.photoId);
const bytesOf = (events: readonly { data: Readonly<Record<string, unknown>> }[]) =>
  events.map(({ data }) => data.bytesTransferred);

describe("a request", () => {
  it("is a CloudEvents batch with the ingest token", async () => {
    const publisher = publisherOf({ source: "urn:test", ...ONE_BATCH });
    const published = [
      publisher.publish({
        type: "uploadjob.created",
        data: { jobId: "j", userId: "u", photoCount: 2 },
        jobScope: "user",
        id: "own-id",
      }),
      publisher.publish(completed("a")),
    ];
    await publisher.flush();
    await Promise.all(published);
    const [batch] = hub.batches;
    expect(batch?.path).toBe("/api/v1/events");
    expect(batch?.headers).toMatchObject({
      "content-type": "application/cloudevents-batch+json",
      authorization: "Bearer secret",
    });
    expect(batch?.events).toEqual([
      {
        specversion: "1.0",
        id: "own-id",
        source: "urn:test",
        type: "uploadjob.created",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        jobscope: "user",
        data: { jobId: "j", userId: "u", photoCount: 2 },
      },
      expect.objectContaining({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        type: "photo.upload.completed",
      }),
    ]);
    expect(publisher.stats()).toEqual({
      pending: 0,
      waiting: 0,
      sent: 2,
      superseded: 0,
      retries: 0,
      rejected: 0,
    });
  });

  it("keeps a path in the hub's URL", async () => {
    await publisherOf({ url: `${hub.url}/behind/proxy` }).publish(completed("a"));
    expect(hub.batches[0]?.path).toBe("/behind/proxy/api/v1/events");
  });

  it("is the only one in flight, over connections kept alive", async () => {
    const publisher = publisherOf({ maxBatch: 10 });
    await Promise.all(Array.from({ length: 200 }, (_, index) => publisher.publish(completed(`p${index}`))));
    expect(hub.batches).toHaveLength(20);
    expect(hub.mostAtOnce).toBe(1);
    // fetch may open a second one while it tidies up the first answer.
    expect(hub.connections).toBeLessThanOrEqual(2);
    expect(photosOf(hub.accepted)).toEqual(Array.from({ length: 200 }, (_, index) => `p${index}`));
  });

  it("waits for company, but not while someone flushes", async () => {
    const publisher = publisherOf({ flushIntervalMs: 60_000 });
    publisher.publish(progress("a", 1));
    publisher.publish(progress("a", 2));
    await publisher.flush();
    expect(bytesOf(hub.accepted)).toEqual([2]);
    expect(publisher.stats()).toMatchObject({ pending: 0, sent: 1, superseded: 1 });
  });

  it("settles a superseded progress with the one that took its place", async () => {
    const publisher = publisherOf(ONE_BATCH);
    hub.script(reject(() => "too_many_photos"));
    const fates = [1, 2, 3].map((bytes) => fate(publisher.publish(progress("a", bytes))));
    await publisher.flush();
    expect(await Promise.all(fates)).toEqual(["too_many_photos", "too_many_photos", "too_many_photos"]);
    expect(bytesOf(hub.batches[0]?.events ?? [])).toEqual([3]);
  });
});

describe("a request that failed", () => {
  it.each([
    ["a reset connection", reset],
    ["500", problem(500, "internal_error")],
    ["503 without Retry-After", problem(503, "store_unavailable")],
    ["a proxy's 502", answer(502, "bad gateway")],
    ["200 that is not the hub's", answer(200, "hello")],
  ])("after %s is sent again, with the same ids and in the same order", async (_what, step) => {
    const publisher = publisherOf();
    hub.script(step, step);
    const first = publisher.publish(progress("a", 1));
    await vi.waitUntil(() => hub.batches.length > 0);
    const later = [publisher.publish(progress("a", 2)), publisher.publish(completed("a"))];
    await Promise.all([first, ...later]);
    const firstIds = hub.batches.slice(0, 3).map(({ events }) => events[0]?.id);
    expect(new Set(firstIds).size).toBe(1);
    expect(bytesOf(hub.accepted)).toEqual([1, 2, undefined]);
    expect(publisher.stats()).toMatchObject({ retries: 2, sent: 3, rejected: 0 });
  });

  it("is broken off and sent again when no answer comes", async () => {
    const publisher = publisherOf({ requestTimeoutMs: 50 });
    hub.script(silence);
    await publisher.publish(completed("a"));
    expect(hub.batches).toHaveLength(2);
  });

  it("obeys Retry-After in seconds", async () => {
    const publisher = publisherOf();
    hub.script(problem(503, "draining", { "retry-after": "1" }));
    await publisher.publish(completed("a"));
    const [first, second] = hub.batches;
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(995);
  });

  it("obeys Retry-After in a date", async () => {
    const publisher = publisherOf();
    // Its whole seconds are cut: 2 s ahead is 1 s and a little at the least, less what it takes to ask.
    const date = new Date(Date.now() + 2_000).toUTCString();
    hub.script(problem(503, "draining", { "retry-after": date }));
    await publisher.publish(completed("a"));
    const [, second] = hub.batches;
    const clockMs = Date.now() - performance.now();
    expect(clockMs + (second?.atMs ?? 0)).toBeGreaterThanOrEqual(Date.parse(date) - 5);
  });

  it("obeys Retry-After of 429", async () => {
    hub.script(problem(429, "rate_limited", { "retry-after": "1" }));
    await publisherOf().publish(completed("a"));
    expect((hub.batches[1]?.atMs ?? 0) - (hub.batches[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(995);
  });

  it("is given up in time, with the code of the last answer, and the next events go on", async () => {
    const errors: string[] = [];
    const publisher = publisherOf({
      retry: { giveUpAfterMs: 100 },
      onError: (error, { willRetry, events }) => errors.push(`${error.code} ${willRetry} ${events}`),
    });
    hub.script(...Array.from({ length: 1_000 }, () => problem(503, "store_unavailable")));
    expect(await fate(publisher.publish(completed("a")))).toBe("store_unavailable");
    expect(errors).toContain("store_unavailable true 1");
    expect(errors.at(-1)).toBe("store_unavailable false 1");
    expect(publisher.stats()).toMatchObject({ pending: 0, rejected: 1, sent: 0 });
  });

  it("is given up when nobody listens", async () => {
    const publisher = publisherOf({ url: "http://127.0.0.1:9", retry: { giveUpAfterMs: 50 } });
    expect(await fate(publisher.publish(completed("a")))).toBe("not_delivered");
  });

  it.each([
    [400, "malformed_json"],
    [401, "unauthorized"],
    [415, "unsupported_media_type"],
  ])("with %i is not sent again", async (status, code) => {
    const publisher = publisherOf(ONE_BATCH);
    hub.script(problem(status, code));
    const fates = ["a", "b"].map((photo) => fate(publisher.publish(completed(photo))));
    await publisher.flush();
    expect(await Promise.all(fates)).toEqual([code, code]);
    publisher.publish(completed("c"));
    await publisher.flush();
    expect(hub.batches).toHaveLength(2);
    expect(publisher.stats()).toMatchObject({ retries: 0, rejected: 2, sent: 1 });
  });

  it("does not carry the token to where a redirect points", async () => {
    const publisher = publisherOf();
    hub.script(answer(307, "", { location: `${hub.url}/elsewhere` }));
    expect(await fate(publisher.publish(completed("a")))).toBe("bad_request");
    expect(hub.batches).toHaveLength(1);
  });
});

describe("a batch the hub finds too large", () => {
  it("is split until it fits; a limit of events is kept from then on", async () => {
    const tooMany = problem(413, "batch_too_large");
    const publisher = publisherOf(ONE_BATCH);
    hub.script(tooMany, tooMany);
    for (let index = 0; index < 16; index += 1) publisher.publish(completed(`p${index}`));
    await publisher.flush();
    expect(hub.batches.map(({ events }) => events.length)).toEqual([16, 8, 4, 4, 4, 4]);
    expect(photosOf(hub.accepted)).toEqual(Array.from({ length: 16 }, (_, index) => `p${index}`));
  });

  it("rejects alone the one event that is too large", async () => {
    const publisher = publisherOf();
    const large = (events: readonly { data: Readonly<Record<string, unknown>> }[]) =>
      photosOf(events).includes("large");
    hub.script(
      ...Array.from({ length: 50 }, () => (...[batch, response]: Parameters<typeof accept>) => {
        (large(batch.events) ? problem(413, "body_too_large") : accept)(batch, response);
      }),
    );
    const names = ["a", "b", "c", "large", "d", "e", "f", "g"];
    const fates = await Promise.all(names.map((photo) => fate(publisher.publish(completed(photo)))));
    expect(fates).toEqual(names.map((photo) => (photo === "large" ? "body_too_large" : "kept")));
  });
});

describe("an event the hub rejects", () => {
  it("is rejected with its code, and the others of the batch are kept", async () => {
    const publisher = publisherOf();
    hub.script(reject(({ data }) => (data.photoId === "b" ? "owner_mismatch" : null)));
    const fates = await Promise.all(
      ["a", "b", "c"].map((photo) => fate(publisher.publish(completed(photo)))),
    );
    expect(fates).toEqual(["kept", "owner_mismatch", "kept"]);
    expect(publisher.stats()).toMatchObject({ sent: 2, rejected: 1, retries: 0 });
  });

  it("is sent again while its owner is unknown, before later events of its job", async () => {
    const publisher = publisherOf();
    const unknown = reject(({ data }) => (data.jobId === "j" ? "owner_unknown" : null));
    hub.script(unknown, unknown);
    const first = publisher.publish(completed("a"));
    await vi.waitUntil(() => hub.batches.length > 0);
    await Promise.all([first, publisher.publish(completed("b"))]);
    expect(photosOf(hub.accepted)).toEqual(["a", "b"]);
  });

  it("is given up after a bounded number of tries", async () => {
    const publisher = publisherOf({ retry: { rejections: 3 } });
    hub.script(...Array.from({ length: 10 }, () => reject(() => "owner_unknown")));
    expect(await fate(publisher.publish(completed("a")))).toBe("owner_unknown");
    expect(hub.batches).toHaveLength(4);
    expect(publisher.stats()).toMatchObject({ retries: 3, rejected: 1, pending: 0 });
  });

  it("does not hold up other jobs while it waits", async () => {
    const publisher = publisherOf({ retry: { minMs: 600_000, maxMs: 600_000 } });
    hub.script(reject(() => "owner_unknown"));
    publisher.publish(completed("a"));
    await vi.waitUntil(() => publisher.stats().retries === 1);
    await publisher.publish({ type: "photo.upload.completed", data: { jobId: "other", photoId: "x" } });
    expect(publisher.stats()).toMatchObject({ pending: 1, sent: 1 });
  });

  it("may be what can't be encoded at all", async () => {
    const publisher = publisherOf();
    // biome-ignore format: what a JavaScript caller can do
    const event = Object.assign(completed("a"), { data: { jobId: "j", photoId: "a", totalBytes: 1n } }) as unknown as PublishEvent;
    expect(await fate(publisher.publish(event))).toBe("invalid_field");
    expect(publisher.stats()).toMatchObject({ pending: 0, rejected: 1 });
  });
});
