import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DeadlineQueue } from "../../src/engine/deadline-queue.ts";
import { Feed } from "../../src/engine/feed.ts";
import { Router } from "../../src/engine/router.ts";
import { createEngine, Reader, settle } from "../engine-harness.ts";
import { event } from "../events.ts";

const step = fc.record({ photo: fc.constantFrom("a", "b", "c"), bytes: fc.integer({ min: 1, max: 999 }) });

describe("a feed whose pages take their time", () => {
  it("gives every message once, in order, whatever comes live while it reads", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { maxLength: 12 }),
        fc.nat(4),
        async (scheduler, steps, holdAt) => {
          const { engine, clock } = createEngine({ photoIntervalMs: 0, jobIntervalMs: 0 });
          const router = new Router();
          // What a link does: live messages are passed on as they come, pages are asked for and come later.
          engine.open(
            "u",
            { jobId: null, lastEventId: null },
            {
              send(messages) {
                router.deliver("u", messages);
                return true;
              },
              synced: () => undefined,
              jobEnded: () => undefined,
              failed: (error) => expect.fail(String(error)),
            },
          );
          await settle();
          const seqs: number[] = [];
          let sends = 0;
          const feed = new Feed(
            (query) => scheduler.schedule(engine.read(query), "page"),
            "u",
            { jobId: null, lastEventId: null },
            {
              send(messages) {
                seqs.push(...messages.map(({ seq }) => seq));
                sends += 1;
                return sends !== holdAt;
              },
              synced: () => undefined,
              jobEnded: () => undefined,
              failed: (error) => expect.fail(String(error)),
            },
            (closed) => router.unwatch("u", closed),
          );
          router.watch("u", feed);
          feed.start();
          const published = steps.map(({ photo, bytes }) =>
            scheduler.schedule(Promise.resolve(), "event").then(async () => {
              await engine.publish([event.progressed(bytes, { photoId: photo })]);
              clock.advance(1);
              if (bytes % 3 === 0) feed.resume();
            }),
          );
          await scheduler.waitIdle();
          await Promise.all(published);
          feed.resume();
          await scheduler.waitIdle();
          expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
          const fresh = new Reader(engine, "u");
          await settle();
          // Every present message has come, the last of all being the head.
          expect(seqs.at(-1)).toBe(fresh.sent.at(-1)?.seq);
          for (const { seq } of fresh.sent) expect(seqs).toContain(seq);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("the deadline queue", () => {
  it("gives what is due, earliest first, and keeps the rest", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), fc.nat(50), (times, nowMs) => {
        const queue = new DeadlineQueue<number>();
        for (const atMs of times) queue.add(atMs, atMs);
        const due = [...queue.due(nowMs)].map(({ item }) => item);
        expect(due).toEqual(times.filter((atMs) => atMs <= nowMs).sort((a, b) => a - b));
        expect(queue.size).toBe(times.length - due.length);
        expect(queue.nextAtMs).toBe(
          queue.size === 0 ? null : Math.min(...times.filter((atMs) => atMs > nowMs)),
        );
      }),
    );
  });
});
