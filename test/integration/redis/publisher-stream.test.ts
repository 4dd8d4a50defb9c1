import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, expect, it } from "vitest";
import { until } from "../../../simulator/oracle/until.ts";
import { createPublisher, type Publisher, type StreamPublisherOptions } from "../../../src/index.ts";
import { describeWithRedis } from "../../redis/available.ts";
import { startRedisCluster } from "../../redis/cluster.ts";
import { endAllServers, type RedisServer, startRedis } from "../../redis/server.ts";
import { completed, fate, progress } from "../publisher/publishing.ts";
import { entriesOf, STREAM } from "./stream-harness.ts";

const publishers: Publisher[] = [];
let server: RedisServer;

beforeEach(async () => {
  server = await startRedis({ persistence: "always" });
});

afterEach(async () => {
  await Promise.all(publishers.splice(0).map((publisher) => publisher.close(0)));
  endAllServers();
});

/** Nothing is sent before `flush()`. */
const ONE_BATCH = { flushIntervalMs: 600_000 };

function publisherOf(options: Partial<StreamPublisherOptions> = {}): Publisher {
  const publisher = createPublisher({
    redis: server.url,
    stream: STREAM,
    flushIntervalMs: 5,
    ...options,
    retry: { minMs: 5, maxMs: 50, ...options.retry },
  });
  publishers.push(publisher);
  return publisher;
}

async function eventsIn(stream = STREAM): Promise<readonly { id: string; data: Record<string, unknown> }[]> {
  return (await entriesOf(server, stream)).map(({ event = "" }) => JSON.parse(event));
}

const photosIn = async () => (await eventsIn()).map(({ data }) => data.photoId);

describeWithRedis("a publisher with a stream", () => {
  it("adds each event as a structured CloudEvent in the field `event`, in order", async () => {
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
    expect(await eventsIn()).toEqual([
      {
        specversion: "1.0",
        id: "own-id",
        source: "urn:test",
        type: "uploadjob.created",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        jobscope: "user",
        data: { jobId: "j", userId: "u", photoCount: 2 },
      },
      expect.objectContaining({ type: "photo.upload.completed", data: { jobId: "j", photoId: "a" } }),
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

  it("sends only the newest progress of a photo, and settles the others with it", async () => {
    const publisher = publisherOf(ONE_BATCH);
    const fates = [1, 2, 3].map((bytes) => fate(publisher.publish(progress("a", bytes))));
    await publisher.flush();
    expect(await Promise.all(fates)).toEqual(["kept", "kept", "kept"]);
    expect((await eventsIn()).map(({ data }) => data.bytesTransferred)).toEqual([3]);
  });

  it("waits for a Redis that is away, and gives what was pending to it in order", async () => {
    const errors: string[] = [];
    await server.kill();
    const publisher = publisherOf({
      onError: ({ code }, { willRetry }) => errors.push(`${code} ${willRetry}`),
    });
    const names = Array.from({ length: 50 }, (_, index) => `p${index}`);
    const published = names.map((name) => publisher.publish(completed(name)));
    await until(() => errors.length > 1, "it has failed twice", 10_000);
    await server.start();
    await Promise.all(published);
    expect(await photosIn()).toEqual(names);
    expect(new Set(errors)).toEqual(new Set(["store_unavailable true"]));
    expect(publisher.stats()).toMatchObject({ sent: 50, rejected: 0, pending: 0 });
  });

  it("loses nothing when Redis is killed in mid-flow", async () => {
    const publisher = publisherOf({ maxBatch: 5 });
    const names = Array.from({ length: 400 }, (_, index) => `p${index}`);
    const published = names.map((name) => publisher.publish(completed(name)));
    await until(() => publisher.stats().sent > 20, "some are sent", 10_000);
    await server.kill();
    await server.start();
    await Promise.all(published);
    const photos = await photosIn();
    expect([...new Set(photos)]).toEqual(names);
  });

  it("is not held up for ever by a Redis that hangs", async () => {
    const publisher = publisherOf({ requestTimeoutMs: 100 });
    await publisher.publish(completed("a"));
    server.hang();
    const second = publisher.publish(completed("b"));
    await until(() => publisher.stats().retries > 0, "it is tried again", 10_000);
    server.wake();
    await second;
    expect(new Set(await photosIn())).toEqual(new Set(["a", "b"]));
  });

  it("gives up in time, and says that the store can't be reached", async () => {
    await server.kill();
    const publisher = publisherOf({ retry: { giveUpAfterMs: 100 } });
    expect(await fate(publisher.publish(completed("a")))).toBe("store_unavailable");
    expect(publisher.stats()).toMatchObject({ rejected: 1, pending: 0 });
  });

  it("closes with what is left when Redis stays away", async () => {
    await server.kill();
    const publisher = publisherOf();
    const left = fate(publisher.publish(completed("a")));
    await publisher.close(50);
    expect(await left).toBe("not_delivered");
    expect(await fate(publisher.publish(completed("b")))).toBe("not_delivered");
  });

  it("gives up at once what Redis will never take", async () => {
    await server.command("SET", STREAM, "a text");
    const publisher = publisherOf();
    expect(await fate(publisher.publish(completed("a")))).toBe("bad_request");
    expect(publisher.stats()).toMatchObject({ retries: 0, rejected: 1 });
  });

  it("trims the stream to about the length it is told to, or not at all", async () => {
    const trimming = publisherOf({ maxStreamLength: 100 });
    const keeping = publisherOf({ stream: "kept", maxStreamLength: 0 });
    for (const publisher of [trimming, keeping])
      for (let index = 0; index < 1_000; index += 1) void publisher.publish(completed(`p${index}`));
    await Promise.all([trimming.flush(), keeping.flush()]);
    expect(Number(await server.command("XLEN", STREAM))).toBeLessThan(300);
    expect(await server.command("XLEN", "kept")).toBe(1_000);
  });

  it("refuses a URL or a length that is none", () => {
    expect(() => createPublisher({ redis: "http://h", stream: STREAM })).toThrow(TypeError);
    expect(() => publisherOf({ maxStreamLength: -1 })).toThrow(RangeError);
  });

  it("writes into a cluster", async () => {
    const cluster = await startRedisCluster();
    const publisher = publisherOf({ redis: cluster.url });
    await publisher.publish(completed("a"));
    const slot = Number(await cluster.nodes[0]?.command("CLUSTER", "KEYSLOT", STREAM));
    expect(await cluster.nodes[await cluster.ownerOf(slot)]?.command("XLEN", STREAM)).toBe(1);
  });

  it.each([
    ["stays until what is pending is in the stream, and ends then without close()", "publish();", 1],
    [
      "is not kept by a publisher that has nothing to send any more",
      "publish(); await publisher.flush();",
      1,
    ],
    ["is not kept by one that never had", "", 0],
  ])("a backend's process %s", async (_what, lines, entries) => {
    const library = new URL("../../../dist/src/index.js", import.meta.url);
    const script = `
      import { createPublisher } from ${JSON.stringify(library.href)};
      const publisher = createPublisher({ redis: ${JSON.stringify(server.url)}, stream: "${STREAM}" });
      const publish = () => publisher.publish({ type: "photo.upload.completed", data: { jobId: "j", photoId: "a" } });
      ${lines}`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "ignore" });
    const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await once(child, "close");
    clearTimeout(timer);
    expect(child.exitCode).toBe(0);
    expect(await server.command("XLEN", STREAM)).toBe(entries);
  });
});
