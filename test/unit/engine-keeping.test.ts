import { describe, expect, it } from "vitest";
import { createEngine, MINUTE_MS, Reader, settle } from "../engine-harness.ts";
import { event } from "../events.ts";

// What is kept, for how long, for how many, and what those see who come back after it is gone.

const DAY_MS = 24 * 60 * MINUTE_MS;
const oneOf = (jobId: string) => [event.created({ jobId, photoCount: 1 }), event.completed({ jobId })];

describe("ended jobs", () => {
  it("are in snapshots while recent; later only who lost their place is told of them, without photos", async () => {
    const { engine, clock } = createEngine();
    await engine.publish([...oneOf("old"), event.started({ jobId: "new" })]);
    const seenAll = new Reader(engine, "u");
    await settle();
    expect(seenAll.messages.filter(({ jobId }) => jobId === "old").length).toBe(3);
    await clock.advance(11 * MINUTE_MS);
    const fresh = new Reader(engine, "u");
    const lost = new Reader(engine, "u", { lastEventId: "other-7" });
    const one = new Reader(engine, "u", { jobId: "old" });
    await settle();
    expect(fresh.messages.map(({ jobId }) => jobId)).not.toContain("old");
    expect(lost.messages.filter(({ jobId }) => jobId === "old").map(({ type }) => type)).toEqual([
      "job_completed",
    ]);
    expect(one.messages.length).toBe(3);
    expect((await engine.jobs("u", null)).map(({ jobId }) => jobId)).toEqual(["new"]);
  });

  it("are forgotten after their retention, with their owner; the user's numbers never fall", async () => {
    const { engine, clock } = createEngine();
    const reader = new Reader(engine, "u");
    await settle();
    await engine.publish(oneOf("j"));
    const last = reader.sent.at(-1)?.seq ?? 0;
    await clock.advance(DAY_MS + 1000);
    expect(engine.stats).toMatchObject({ jobs: 0, users: 0, openPhotos: 0 });
    expect(await engine.publish([event.started({ userId: "v" })])).toMatchObject({ accepted: 1 });
    await engine.publish([event.started({ jobId: "k" })]);
    expect(reader.sent.at(-1)?.seq).toBeGreaterThan(last);
  });

  it("that are forgotten while a reader is held give it a snapshot when it wakes", async () => {
    const { engine, clock } = createEngine({ retentionMs: MINUTE_MS, recentMs: MINUTE_MS });
    const slow = new Reader(engine, "u", {}, 1);
    await settle();
    await engine.publish([event.started({ jobId: "k" })]);
    await engine.publish(oneOf("j"));
    await clock.advance(2 * MINUTE_MS);
    slow.resume();
    await settle();
    expect(slow.syncs.at(-1)?.mode).toBe("snapshot");
  });
});

describe("what was dropped", () => {
  it("stays away, also where a state was held back when it went", async () => {
    const { engine, clock } = createEngine({ retentionMs: 0 });
    const reader = new Reader(engine, "u");
    await settle();
    await engine.publish([event.started({ jobId: "other" })]);
    await engine.publish([event.created({ photoCount: 1 }), event.progressed(100)]);
    await engine.publish([event.progressed(200)]);
    await engine.publish([event.completed()]);
    await clock.advance(1000);
    const ends = reader.messages.filter(
      ({ type }) => type === "job_completed" || type === "upload_completed",
    );
    expect(ends.length).toBe(2);
    const late = new Reader(engine, "u");
    await settle();
    expect(new Set(late.messages.map(({ jobId }) => jobId))).toEqual(new Set(["other"]));
  });

  it("leaves no entries behind: neither jobs pushed out by the limit, nor photos that stall and move", async () => {
    const limits = { maxPhotosPerJob: 10, maxJobsPerUser: 10, maxOpenPhotos: 1000 };
    const { engine, clock } = createEngine({ limits });
    for (let index = 0; index < 5000; index += 1) await engine.publish(oneOf(`job-${index}`));
    expect(engine.stats).toMatchObject({ jobs: 10 });
    expect(engine.stats.queued).toBeLessThan(2_100);
    for (let turn = 1; turn <= 300; turn += 1) {
      const moves = Array.from({ length: 10 }, (_, index) =>
        event.progressed(turn, { jobId: "moving", photoId: `p${index}`, totalBytes: 1e6 }),
      );
      await engine.publish(moves);
      await clock.advance(11_000);
    }
    expect(engine.stats.queued).toBeLessThan(2_100);
  });
});

describe("pages", () => {
  it("of one snapshot all go by the same time: what was recent at the first is so at the last", async () => {
    const { engine, clock } = createEngine();
    const photos = Array.from({ length: 1000 }, (_, index) => event.completed({ photoId: `p${index}` }));
    await engine.publish([event.created({ photoCount: 1000 }), ...photos]);
    await clock.advance(10 * MINUTE_MS - 1000);
    const slow = new Reader(engine, "u", {}, 1);
    await settle();
    await clock.advance(5000);
    slow.resume();
    await settle();
    expect(slow.messages.length).toBe(2001);
    expect(slow.messages.at(-1)?.type).toBe("job_completed");
  });

  it.each([false, true])(
    "after the user was forgotten are a snapshot (come back since: %s)",
    async (isBack) => {
      const { engine, clock } = createEngine({ retentionMs: MINUTE_MS, recentMs: MINUTE_MS });
      const slow = new Reader(engine, "u", {}, 1);
      await settle();
      await engine.publish([event.created({ photoCount: 1 }), event.progressed(100)]);
      await engine.publish([event.completed()]);
      await clock.advance(2 * MINUTE_MS);
      expect(engine.stats.users).toBe(0);
      if (isBack) await engine.publish([event.started({ jobId: "k" })]);
      slow.resume();
      await settle();
      expect(slow.syncs.at(-1)?.mode).toBe("snapshot");
    },
  );
});

describe("limits", () => {
  const limits = { maxPhotosPerJob: 2, maxJobsPerUser: 2, maxOpenPhotos: 3 };

  it("photos a job: too_many_photos, and known photos go on", async () => {
    const { engine } = createEngine({ limits });
    const result = await engine.publish(["a", "b", "c"].map((photoId) => event.started({ photoId })));
    expect(result.accepted).toBe(2);
    expect(result.rejected).toMatchObject([{ index: 2, code: "too_many_photos" }]);
    expect((await engine.publish([event.completed({ photoId: "a" })])).accepted).toBe(1);
  });

  it("jobs a user: the oldest ended job goes first, and without one it is too_many_jobs", async () => {
    const { engine } = createEngine({ limits });
    await engine.publish([event.started({ jobId: "open" })]);
    await engine.publish(oneOf("ended"));
    expect(await engine.publish([event.started({ jobId: "third" })])).toMatchObject({ accepted: 1 });
    expect((await engine.jobs("u", null)).map(({ jobId }) => jobId)).toEqual(["open", "third"]);
    const refused = await engine.publish([event.created({ jobId: "fourth" })]);
    expect(refused.rejected).toMatchObject([{ code: "too_many_jobs" }]);
    expect(await engine.publish([event.started({ jobId: "fourth", userId: "v" })])).toMatchObject({
      accepted: 1,
    });
  });

  it("a job that its own batch ends and pushes out leaves nothing behind", async () => {
    const { engine, clock } = createEngine({ limits });
    const reader = new Reader(engine, "u");
    await settle();
    await engine.publish(oneOf("first"));
    await engine.publish([event.started({ jobId: "second" })]);
    await engine.publish([event.failed({ jobId: "first" }), event.started({ jobId: "third" })]);
    await clock.advance(MINUTE_MS);
    expect(engine.stats).toMatchObject({ jobs: 2, openPhotos: 2 });
    const late = new Reader(engine, "u");
    await settle();
    expect(new Set(late.messages.map(({ jobId }) => jobId))).toEqual(new Set(["second", "third"]));
    expect(reader.errors).toEqual([]);
  });

  it("open photos of the hub: overloaded, until some are settled", async () => {
    const { engine } = createEngine({ limits });
    const start = (userId: string, photoId: string) =>
      event.started({ userId, jobId: `of-${userId}`, photoId });
    await engine.publish([start("a", "p"), start("a", "q"), start("b", "p")]);
    expect((await engine.publish([start("b", "q")])).rejected).toMatchObject([{ code: "overloaded" }]);
    await engine.publish([event.completed({ userId: "a", jobId: "of-a", photoId: "q" })]);
    expect((await engine.publish([start("b", "q")])).accepted).toBe(1);
  });

  it("open photos of the hub: what others committed in the same moment counts once", async () => {
    const { engine } = createEngine({ limits });
    const start = (userId: string, photoId: string) =>
      event.started({ userId, jobId: `of-${userId}`, photoId });
    const committing = [engine.publish([start("a", "p")]), engine.publish([start("b", "p")])];
    // Waits for the first of its job, and is merged when that is told of, as the first of two.
    const next = engine.publish([start("a", "q")]);
    expect((await Promise.all([...committing, next])).map(({ accepted }) => accepted)).toEqual([1, 1, 1]);
  });

  // More than fit as arguments into the stack of a worker of the tests, which has four times that of a process.
  it("none for how many events of one call say nothing new", async () => {
    const { engine } = createEngine({ limits });
    const same = event.completed();
    const { accepted, unchanged } = await engine.publish(Array.from({ length: 700_000 }, () => same));
    expect({ accepted, unchanged }).toEqual({ accepted: 1, unchanged: 699_999 });
  });
});

describe("owners", () => {
  it("are resolved over a whole batch first, and the first that is named binds the job id", async () => {
    const { engine } = createEngine();
    const before = await engine.publish([event.started({ userId: null })]);
    expect(before.rejected).toMatchObject([{ code: "owner_unknown" }]);
    const batch = [event.progressed(10, { userId: null }), event.created(), event.started({ userId: "v" })];
    const result = await engine.publish(batch);
    expect(result).toMatchObject({
      accepted: 1,
      unchanged: 1,
      rejected: [{ index: 2, code: "owner_mismatch" }],
    });
  });

  it("of scope user never bind a job id for others", async () => {
    const { engine } = createEngine();
    await engine.publish([event.started({ userId: "uploader", scope: "user" })]);
    expect((await engine.publish([event.started({ userId: null })])).rejected).toMatchObject([
      { code: "owner_unknown" },
    ]);
    expect(await engine.publish([event.started({ userId: "v" })])).toMatchObject({
      accepted: 1,
      rejected: [],
    });
  });
});
