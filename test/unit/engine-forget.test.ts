import { describe, expect, it } from "vitest";
import { createEngine, MINUTE_MS, Reader, settle } from "../engine-harness.ts";
import { event } from "../events.ts";

// A user is forgotten by order of an operator: nothing stays, and every client hears of it.

const ofUser = (userId: string) => [
  event.started({ userId, jobId: `open-${userId}` }),
  event.progressed(100, { userId, jobId: `open-${userId}` }),
  event.created({ userId, jobId: `ended-${userId}`, photoCount: 1 }),
  event.completed({ userId, jobId: `ended-${userId}` }),
];

describe("forgetting a user", () => {
  it("drops jobs, photos and owners, says how many jobs, and leaves everybody else alone", async () => {
    const { engine } = createEngine();
    await engine.publish([...ofUser("u"), ...ofUser("v")]);
    expect(engine.stats).toMatchObject({ jobs: 4, openPhotos: 2, users: 2 });
    expect(await engine.forget("u")).toBe(2);
    expect(engine.stats).toMatchObject({ jobs: 2, openPhotos: 1, users: 1 });
    expect(await engine.jobs("u", null)).toEqual([]);
    expect((await engine.jobs("v", null)).map(({ jobId }) => jobId)).toEqual(["open-v", "ended-v"]);
    expect(await engine.forget("u")).toBe(0);
    expect(await engine.forget("nobody")).toBe(0);
    const taken = await engine.publish([event.started({ userId: "w", jobId: "open-u" })]);
    expect(taken).toMatchObject({ accepted: 1, rejected: [] });
  });

  it("shows nothing of it afterwards: neither states held back, nor what was to stall, expire or end", async () => {
    const { engine, clock } = createEngine();
    const reader = new Reader(engine, "u");
    await settle();
    await engine.publish(ofUser("u"));
    await engine.publish([event.progressed(300, { jobId: "open-u" })]);
    expect(engine.stats.queued).toBeGreaterThan(0);
    await engine.forget("u");
    await settle();
    const before = reader.sent.length;
    await clock.advance(2 * 24 * 60 * MINUTE_MS);
    await settle();
    expect(reader.sent.length).toBe(before);
    expect(engine.stats).toMatchObject({ jobs: 0, openPhotos: 0, users: 0, queued: 0 });
  });

  it("gives who is connected an empty snapshot, set off from what came before, and then what is new", async () => {
    const { engine, clock } = createEngine();
    await engine.publish([...ofUser("u"), ...ofUser("v")]);
    const reader = new Reader(engine, "u");
    const oneJob = new Reader(engine, "u", { jobId: "open-u" });
    const other = new Reader(engine, "v");
    await settle();
    await engine.publish([event.progressed(300, { jobId: "open-u" })]);
    await clock.advance(100);
    const seen = reader.sent.length;
    await engine.forget("u");
    await settle();
    expect(reader.syncs.map(({ mode }) => mode)).toEqual(["snapshot", "resumed", "snapshot"]);
    expect(reader.sent.length).toBe(seen);
    expect(oneJob.syncs.at(-1)).toMatchObject({ mode: "snapshot", isJobKnown: false });
    expect(other.syncs).toHaveLength(1);
    await engine.publish([event.started({ jobId: "new" })]);
    expect(new Set(reader.messages.slice(seen).map(({ jobId }) => jobId))).toEqual(new Set(["new"]));
    const seqs = reader.sent.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((left, right) => left - right));
  });

  it.each([false, true])(
    "gives who comes back with an id from before a snapshot (new jobs since: %s)",
    async (isBack) => {
      const { engine } = createEngine();
      const early = new Reader(engine, "u");
      await settle();
      await engine.publish(ofUser("u"));
      const ids = [early.syncs[0]?.id, ...early.sent.map(({ id }) => id)];
      await engine.forget("u");
      if (isBack) await engine.publish([event.started({ jobId: "new" })]);
      for (const lastEventId of ids) {
        const back = new Reader(engine, "u", { lastEventId: lastEventId ?? null });
        await settle();
        expect(back.syncs).toMatchObject([{ mode: "snapshot" }]);
        expect(back.messages.map(({ jobId }) => jobId)).toEqual(isBack ? ["new", "new"] : []);
      }
      const after = new Reader(engine, "u");
      await settle();
      const again = new Reader(engine, "u", { lastEventId: after.lastId });
      await settle();
      expect(again.syncs).toMatchObject([{ mode: "resumed" }]);
    },
  );

  it("reaches clients that still show jobs which the hub has dropped itself", async () => {
    const { engine, clock } = createEngine({ retentionMs: MINUTE_MS });
    const reader = new Reader(engine, "u");
    await settle();
    await engine.publish([event.created({ photoCount: 1 }), event.completed()]);
    await clock.advance(2 * MINUTE_MS);
    expect(engine.stats.users).toBe(0);
    expect(await engine.forget("u")).toBe(0);
    await settle();
    expect(reader.syncs.at(-1)?.mode).toBe("snapshot");
    const back = new Reader(engine, "u", { lastEventId: reader.sent.at(-1)?.id ?? null });
    await settle();
    expect(back.syncs).toMatchObject([{ mode: "snapshot" }]);
  });

  it("finds who is held when it reads again", async () => {
    const { engine } = createEngine();
    const slow = new Reader(engine, "u", {}, 1);
    await settle();
    await engine.publish(ofUser("u"));
    await engine.forget("u");
    await settle();
    expect(slow.syncs).toHaveLength(1);
    slow.resume();
    await settle();
    expect(slow.syncs.map(({ mode }) => mode)).toEqual(["snapshot", "resumed", "snapshot"]);
  });
});
