import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { DomainEvent } from "../../src/domain/events.ts";
import { dueOf } from "../../src/domain/photo-view.ts";
import { createEngine, type Message, Reader, settle } from "../engine-harness.ts";
import { event } from "../events.ts";
import { ManualClock } from "../manual-clock.ts";
import { history, numberedEvents, shuffledWithRepeats } from "../property/arbitrary-events.ts";
import { expectNothingGoesBack, latest } from "../property/client-view.ts";
import { describeWithRedis } from "../redis/available.ts";
import { type RedisEngine, startRedisEngine } from "../redis/engine.ts";
import { endAllServers, type RedisServer, startRedis } from "../redis/server.ts";
import { engineConformance } from "./engine.ts";

describeWithRedis("an engine with its state in Redis", () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis();
  });
  beforeEach(async () => {
    await server.command("FLUSHALL");
  });
  afterAll(endAllServers);

  engineConformance("the core itself, in Redis", async () => {
    const { engine, pass, settle: settled } = await startRedisEngine(server.url);
    return { engine, pass, settle: settled, stop: () => engine.close() };
  });

  it("ends as one hub does, whatever events come to whichever of two, in any order and more than once", async () => {
    const clock = new ManualClock();
    const hubs = [await startRedisEngine(server.url, clock), await startRedisEngine(server.url, clock)];
    const sprayed = numberedEvents.chain((events) =>
      fc.tuple(
        fc.constant(events),
        shuffledWithRepeats(events),
        fc.array(fc.nat(1), { minLength: 100, maxLength: 100 }),
      ),
    );
    let run = 0;
    const property = fc.asyncProperty(sprayed, async ([events, others, hubOf]) => {
      run += 1;
      const userId = `user-${run}`;
      const readers = hubs.map(({ engine }) => new Reader(engine, userId));
      await both(hubs);
      await Promise.all(
        others.map((one, index) => hubs[hubOf[index % 100] ?? 0]?.engine.publish([named(one, userId, run)])),
      );
      await hubs[run % 2]?.engine.publish([named(event.jobCompleted({ photoCount: 4 }), userId, run)]);
      await both(hubs);
      for (const passed of [100, 31_000, 20 * 60_000, 20 * 60_000])
        await clock.advance(passed, () => both(hubs));
      await both(hubs);
      const expected = await endingsOfOne(events, userId, run);
      for (const reader of readers) {
        expectNothingGoesBack(reader.messages);
        expect(endings(reader.messages)).toEqual(expected);
        expect(reader.errors).toEqual([]);
        reader.close();
      }
      const [one, other] = readers.map(({ sent }) => sent.map(({ json }) => json));
      expect(one).toEqual(other);
    });
    try {
      await fc.assert(property, { numRuns: 40 });
    } finally {
      await Promise.all(hubs.map(({ engine }) => engine.close()));
    }
  }, 60_000);

  it("takes nothing back, shows no ending twice, and ends with the last state, wherever a hub of two dies for good", async () => {
    let run = 0;
    const deaths = fc.array(fc.nat(24), { maxLength: 3 });
    const property = fc.asyncProperty(history, deaths, async (steps, when) => {
      run += 1;
      const userId = `dead-${run}`;
      const clock = new ManualClock();
      const stays = await startRedisEngine(server.url, clock, 1e12);
      let dies = await startRedisEngine(server.url, clock);
      try {
        const reader = new Reader(stays.engine, userId);
        await both([stays, dies]);
        for (const [step, { batch, passMs }] of steps.entries()) {
          await dies.engine.publish(batch.map((one) => named(one, userId, run)));
          if (when.includes(step)) {
            await dies.engine.close();
            dies = await startRedisEngine(server.url, clock);
          }
          await clock.advance(passMs, () => both([stays, dies]));
        }
        await dies.engine.close();
        const fresh = await endOf(stays, userId);
        expectNothingGoesBack(reader.messages);
        expect(latest(reader.messages)).toEqual(latest(fresh));
        expect(reader.errors).toEqual([]);
      } finally {
        await Promise.all([stays.engine.close(), dies.engine.close()]);
      }
    });
    await fc.assert(property, { numRuns: 25 });
  }, 120_000);
});

/** What somebody is told who comes when the hub that is left has found all that was to be done. */
async function endOf(hub: RedisEngine, userId: string): Promise<readonly Message[]> {
  await hub.clock.advance(2_000, hub.settle);
  const isDue = async (): Promise<boolean> => {
    const jobs = await hub.store.jobs(userId);
    const held = jobs.jobs.flatMap((job) => [...job.photos.values()].map(dueOf));
    return held.some((due) => due !== null);
  };
  await expect.poll(isDue, { timeout: 5_000 }).toBe(false);
  await hub.settle();
  const reader = new Reader(hub.engine, userId);
  await hub.settle();
  reader.close();
  return reader.messages;
}

async function both(hubs: readonly RedisEngine[]): Promise<void> {
  // What one does may give the other something to do.
  for (let turn = 0; turn < 2; turn += 1) for (const hub of hubs) await hub.settle();
}

function named(one: DomainEvent, userId: string, run: number): DomainEvent {
  return { ...one, userId, jobId: `job-${run}` };
}

async function endingsOfOne(events: readonly DomainEvent[], userId: string, run: number): Promise<unknown> {
  const { engine, clock } = createEngine({ recentMs: 1e12 });
  for (const one of events) await engine.publish([named(one, userId, run)]);
  await engine.publish([named(event.jobCompleted({ photoCount: 4 }), userId, run)]);
  await clock.advance(60 * 60_000);
  const reader = new Reader(engine, userId);
  await settle();
  const found = endings(reader.messages);
  await engine.close();
  return found;
}

/** How photos and job ended. At which byte, and which attempt was told before another completed, is a matter of order. */
function endings(messages: readonly Message[]): Record<string, unknown> {
  const last = messages.filter(({ type }) => type !== "upload_started");
  return Object.fromEntries(
    last.map(({ photoId = "job", status, attempt, photos }) => [
      photoId,
      [status, status === "COMPLETED" ? null : attempt, photos],
    ]),
  );
}
