import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createPublisher, type HttpPublisherOptions, type Publisher } from "../../../src/index.ts";
import { completed, fate, progress } from "./publishing.ts";
import {
  accept,
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

describe("a full publisher", () => {
  it("waits for a place, in order", async () => {
    const publisher = publisherOf({ maxPending: 4 });
    hub.script(reset, reset);
    const fates = await Promise.all(
      Array.from({ length: 8 }, (_, index) => fate(publisher.publish(completed(`p${index}`)))),
    );
    expect(fates).toEqual(Array(8).fill("kept"));
    expect(photosOf(hub.accepted)).toEqual(Array.from({ length: 8 }, (_, index) => `p${index}`));
  });

  it("rejects after the waiting time, clearly, and keeps what has a place", async () => {
    const publisher = publisherOf({ maxPending: 1, publishTimeoutMs: 50 });
    let go = () => {};
    hub.script((batch, response) => {
      go = () => accept(batch, response);
    });
    const kept = publisher.publish(completed("a"));
    await expect(publisher.publish(completed("b"))).rejects.toMatchObject({
      code: "overloaded",
      message: "The publisher is full: 1 events are pending",
    });
    go();
    await kept;
    await publisher.publish(completed("c"));
    expect(photosOf(hub.accepted)).toEqual(["a", "c"]);
  });

  it("turns away at once when its waiting line is full too", async () => {
    const publisher = publisherOf({ maxPending: 2, publishTimeoutMs: 60_000 });
    hub.script(silence);
    for (const photo of ["a", "b", "c", "d"]) publisher.publish(completed(photo));
    expect(await fate(publisher.publish(completed("e")))).toBe("overloaded");
    expect(publisher.stats()).toMatchObject({ pending: 2, waiting: 2, rejected: 1 });
  });

  it("keeps its memory bounded by photos, not by progress, while the hub is away", async () => {
    const publisher = publisherOf({ url: "http://127.0.0.1:9", maxPending: 100 });
    for (let bytes = 0; bytes < 20_000; bytes += 1) publisher.publish(progress(`p${bytes % 10}`, bytes));
    const { pending, waiting, superseded } = publisher.stats();
    expect({ pending, waiting, superseded }).toEqual({ pending: 10, waiting: 0, superseded: 19_990 });
  });
});

describe("close", () => {
  it("flushes, then turns away", async () => {
    const publisher = publisherOf({ flushIntervalMs: 60_000 });
    const kept = fate(publisher.publish(completed("a")));
    await publisher.close();
    expect(await kept).toBe("kept");
    expect(await fate(publisher.publish(completed("b")))).toBe("not_delivered");
    expect(publisher.stats()).toMatchObject({ pending: 0, sent: 1, rejected: 1 });
  });

  it("rejects after its time what is in flight, queued, held and waiting", async () => {
    const publisher = publisherOf({ maxPending: 3, retry: { minMs: 60_000, maxMs: 60_000 } });
    const unknown = reject(() => "owner_unknown");
    hub.script(unknown, silence);
    const held = publisher.publish(completed("a"));
    await vi.waitUntil(() => hub.batches.length === 1 && publisher.stats().retries === 1);
    const flying = publisher.publish({
      type: "photo.upload.completed",
      data: { jobId: "other", photoId: "x" },
    });
    await vi.waitUntil(() => hub.batches.length === 2);
    const others = ["b", "c", "d"].map((photo) => publisher.publish(completed(photo)));
    const before = performance.now();
    await publisher.close(50);
    expect(performance.now() - before).toBeLessThan(2_000);
    const fates = await Promise.all([held, flying, ...others].map(fate));
    expect(fates).toEqual(Array(5).fill("not_delivered"));
    expect(publisher.stats()).toMatchObject({ pending: 0, waiting: 0, sent: 0, rejected: 5 });
  });

  it("is not held up by a back-off", async () => {
    const publisher = publisherOf({ url: "http://127.0.0.1:9", retry: { minMs: 60_000, maxMs: 60_000 } });
    const lost = fate(publisher.publish(completed("a")));
    await vi.waitUntil(() => publisher.stats().pending === 1);
    await Promise.all([publisher.close(30), publisher.close(30)]);
    expect(await lost).toBe("not_delivered");
  });
});

describe("a careless caller", () => {
  it("is not ended by rejections or by its own onError", async () => {
    const unhandled: unknown[] = [];
    const warnings: Error[] = [];
    const listen = (error: unknown) => unhandled.push(error);
    const warn = (warning: Error) => warnings.push(warning);
    process.on("unhandledRejection", listen).on("warning", warn);
    try {
      const publisher = publisherOf({
        onError: () => {
          throw new Error("from onError");
        },
      });
      hub.script(problem(401, "unauthorized"));
      publisher.publish(completed("a"));
      await publisher.flush();
      await publisher.close();
      publisher.publish(completed("b"));
      await vi.waitUntil(() => warnings.some(({ message }) => message.includes("from onError")));
      // Unhandled rejections are told after the microtasks of a turn.
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([]);
    } finally {
      process.off("unhandledRejection", listen).off("warning", warn);
    }
  });

  it("is told of limits that make no sense", () => {
    expect(() => createPublisher({ url: hub.url, token: "t", maxPending: 0 })).toThrow(RangeError);
    expect(() => createPublisher({ url: hub.url, token: "t", retry: { minMs: Number.NaN } })).toThrow(
      RangeError,
    );
    expect(() => createPublisher({ url: "nowhere", token: "t" })).toThrow(TypeError);
  });
});
