import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OutMessage, Sink, SyncMode } from "../../src/engine/contract.ts";
import { DeadlineQueue } from "../../src/engine/deadline-queue.ts";
import { Feed } from "../../src/engine/feed.ts";
import { Router } from "../../src/engine/router.ts";
import { createEngine, Reader, settle } from "../engine-harness.ts";
import { event } from "../events.ts";

/** Passes live messages on, as a link does; those that `isLost` says get lost without a word. */
function relay(router: Router, isLost = () => false): Sink {
  return {
    send(messages) {
      if (!isLost()) router.deliver("u", messages);
      return true;
    },
    synced: () => undefined,
    jobEnded: () => undefined,
    failed: (error) => expect.fail(String(error)),
  };
}

const step = fc.record({ photo: fc.constantFrom("a", "b", "c"), bytes: fc.integer({ min: 1, max: 999 }) });

describe("a feed whose pages take their time", () => {
  it("gives every message once, in order, whatever comes live while it reads, or gets lost", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { maxLength: 12 }),
        fc.nat(4),
        fc.infiniteStream(fc.boolean()),
        async (scheduler, steps, holdAt, losses) => {
          let isLossy = true;
          const { engine, clock } = createEngine({ photoIntervalMs: 0, jobIntervalMs: 0 });
          // From the first message on, each says which it follows.
          await engine.publish([event.progressed(1, { photoId: "first" })]);
          const router = new Router({ watch: () => undefined, unwatch: () => undefined });
          // What a link does: live messages are passed on as they come, pages are asked for and come later.
          engine.open(
            "u",
            { jobId: null, lastEventId: null },
            relay(router, () => isLossy && losses.next().value === true),
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
              await clock.advance(1);
              if (bytes % 3 === 0) feed.resume();
            }),
          );
          await scheduler.waitIdle();
          await Promise.all(published);
          // A loss shows at the next message.
          isLossy = false;
          await engine.publish([event.progressed(1, { photoId: "last" })]);
          await scheduler.waitIdle();
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

/** What a client holds that does as docs/clients.md says. */
class Client {
  readonly jobs = new Set<string>();
  readonly seqs: number[] = [];
  readonly modes: string[] = [];
  #heard = new Set<string>();

  take(messages: readonly OutMessage[]): void {
    for (const { jobId, seq } of messages) {
      this.jobs.add(jobId);
      this.#heard.add(jobId);
      this.seqs.push(seq);
    }
  }

  synced(mode: SyncMode): void {
    if (mode === "snapshot") {
      for (const jobId of this.jobs) if (!this.#heard.has(jobId)) this.jobs.delete(jobId);
    }
    this.#heard = new Set();
    this.modes.push(mode);
  }
}

const act = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("publish" as const), job: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("forget" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("resume" as const) }) },
);

describe("a user who is forgotten", () => {
  it("is forgotten by every client, wherever its feed stood, and by nobody is anything seen twice", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(act, { maxLength: 14 }),
        fc.nat(3),
        fc.integer({ min: 0, max: 4 }),
        async (scheduler, acts, jobsBefore, holdEvery) => {
          const { engine, clock } = createEngine({ photoIntervalMs: 0, jobIntervalMs: 0 });
          const publish = async (job: number) => {
            // Large enough that a snapshot of two jobs takes several pages.
            const photos = Array.from({ length: 200 }, (_, index) => `p${index}`);
            await engine.publish(photos.map((photoId) => event.started({ jobId: `j${job}`, photoId })));
          };
          const router = new Router({ watch: () => undefined, unwatch: () => undefined });
          engine.open("u", { jobId: null, lastEventId: null }, relay(router));
          for (let job = 0; job < jobsBefore; job += 1) await publish(job);
          await settle();
          const client = new Client();
          let sends = 0;
          let isHeld = false;
          const feed = new Feed(
            // The page is made when it is asked for, and comes when it comes.
            (query) => scheduler.schedule(engine.read(query), "page"),
            "u",
            { jobId: null, lastEventId: null },
            {
              send(messages) {
                client.take(messages);
                sends += 1;
                isHeld = holdEvery !== 0 && sends % holdEvery === 0;
                return !isHeld;
              },
              synced: (mode) => client.synced(mode),
              jobEnded: () => undefined,
              failed: (error) => expect.fail(String(error)),
            },
            (closed) => router.unwatch("u", closed),
          );
          router.watch("u", feed);
          feed.start();
          const done = acts.map((one) =>
            scheduler.schedule(Promise.resolve(), "act").then(async () => {
              await clock.advance(1);
              if (one.do === "publish") await publish(one.job);
              else if (one.do === "resume") feed.resume();
              else {
                await engine.forget("u");
                router.resync("u");
              }
            }),
          );
          await scheduler.waitIdle();
          await Promise.all(done);
          await scheduler.waitIdle();
          while (isHeld) {
            isHeld = false;
            feed.resume();
            await scheduler.waitIdle();
          }
          const fresh = new Reader(engine, "u");
          await settle();
          expect([...client.jobs].sort()).toEqual(
            [...new Set(fresh.messages.map(({ jobId }) => jobId))].sort(),
          );
          expect(client.seqs).toEqual([...new Set(client.seqs)].sort((a, b) => a - b));
          for (const { seq } of fresh.sent) expect(client.seqs).toContain(seq);
          if (acts.some((one) => one.do === "forget")) expect(client.modes).toContain("snapshot");
        },
      ),
      { numRuns: 80 },
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
