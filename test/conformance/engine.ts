import { describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/contract.ts";
import { Reader } from "../engine-harness.ts";
import { event } from "../events.ts";

/** An engine under test: how to make one, how to let `ms` pass for it, how to end it. */
export interface EngineUnderTest {
  readonly engine: Engine;
  /** Lets `ms` pass, and all that follows from it. */
  pass(ms: number): Promise<void>;
  /** Resolves when nothing is on its way any more. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

/** What every implementation of `Engine` keeps, whatever lies behind it. */
export function engineConformance(name: string, start: () => Promise<EngineUnderTest>): void {
  const withEngine = (run: (under: EngineUnderTest) => Promise<void>) => async () => {
    const under = await start();
    try {
      await run(under);
    } finally {
      await under.stop();
    }
  };
  const photos = (count: number, bytes: number, userId = "u") =>
    Array.from({ length: count }, (_, index) => event.progressed(bytes, { photoId: `p${index}`, userId }));

  describe(`Engine: ${name}`, () => {
    it(
      "answers accepted, unchanged and rejected in array order",
      withEngine(async ({ engine }) => {
        const foreign = event.progressed(5, { userId: "other" });
        const result = await engine.publish([event.progressed(100), event.progressed(200), foreign]);
        expect(result).toMatchObject({ accepted: 2, unchanged: 0 });
        expect(result.rejected).toMatchObject([{ index: 2, id: foreign.id, code: "owner_mismatch" }]);
        const again = await engine.publish([event.completed(), event.progressed(500), event.completed()]);
        expect(again).toEqual({ accepted: 1, unchanged: 2, unchangedAt: [1, 2], rejected: [] });
      }),
    );

    it(
      "sends a snapshot, says synced, then goes on live, in order of seq",
      withEngine(async ({ engine, pass, settle }) => {
        await engine.publish([event.started(), event.progressed(300)]);
        const reader = new Reader(engine, "u");
        await settle();
        expect(reader.messages.map(({ type }) => type)).toEqual([
          "upload_started",
          "upload_progress",
          "job_progress",
        ]);
        expect(reader.syncs).toEqual([{ mode: "snapshot", id: reader.lastId, isJobKnown: true, after: 3 }]);
        await engine.publish([event.completed()]);
        await pass(100);
        expect(reader.messages.slice(3).map(({ type }) => type)).toEqual([
          "upload_completed",
          "job_progress",
        ]);
        const seqs = reader.sent.map(({ seq }) => seq);
        expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
        expect(new Set(seqs).size).toBe(seqs.length);
      }),
    );

    it(
      "knows of each message how many bytes it is, live and read again, whatever people write",
      withEngine(async ({ engine, pass, settle }) => {
        const live = new Reader(engine, "u");
        await settle();
        await engine.publish([
          event.created({ photoCount: 2, title: "Тенерифе 🏝" }),
          event.started({ fileName: "söndag.jpg" }),
          event.progressed(300),
          event.failed({ error: { code: "disk_full", message: "läuft über" } }),
          event.completed({ photoId: "q" }),
        ]);
        await pass(100);
        const later = new Reader(engine, "u");
        await settle();
        for (const { sent } of [live, later]) {
          expect(sent.map(({ bytes }) => bytes)).toEqual(sent.map(({ json }) => Buffer.byteLength(json)));
          expect(sent.some(({ bytes, json }) => bytes > json.length)).toBe(true);
        }
      }),
    );

    it(
      "resumes after an id with exactly what is newer",
      withEngine(async ({ engine, pass, settle }) => {
        const first = new Reader(engine, "u");
        await engine.publish([event.started(), event.started({ photoId: "q" })]);
        await settle();
        const id = first.lastId;
        first.close();
        await engine.publish([event.progressed(500)]);
        await pass(100);
        const second = new Reader(engine, "u", { lastEventId: id });
        await settle();
        expect(second.messages.map(({ type, photoId }) => [type, photoId])).toEqual([
          ["upload_progress", "p"],
          ["job_progress", undefined],
        ]);
        expect(second.syncs).toMatchObject([{ mode: "resumed" }]);
        expect(first.sent.length).toBe(3);
      }),
    );

    it.each(["other-5", "abc", "", "x-99999999999999999999"])(
      "treats the id %j as none or as lost: a snapshot",
      (id) =>
        withEngine(async ({ engine, settle }) => {
          await engine.publish([event.started()]);
          const reader = new Reader(engine, "u", { lastEventId: id });
          await settle();
          expect(reader.syncs).toMatchObject([{ mode: "snapshot" }]);
          expect(reader.messages.length).toBe(2);
        })(),
    );

    it(
      "joins snapshot and live without a gap or a repetition while events pour in",
      withEngine(async ({ engine, pass, settle }) => {
        await engine.publish(photos(1000, 100));
        const reader = new Reader(engine, "u");
        for (let bytes = 200; bytes < 900; bytes += 100) {
          await engine.publish(photos(1000, bytes));
          await pass(60);
        }
        await pass(200);
        await settle();
        const seqs = reader.sent.map(({ seq }) => seq);
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
        const late = new Reader(engine, "u");
        await settle();
        expect(reader.view).toEqual(late.view);
      }),
    );

    it(
      "sends nothing to a held connection, and all it missed when it resumes",
      withEngine(async ({ engine, pass, settle }) => {
        const free = new Reader(engine, "u");
        const slow = new Reader(engine, "u", {}, 2);
        await settle();
        await engine.publish(photos(10, 100));
        await pass(100);
        const taken = slow.sent.length;
        await engine.publish(photos(10, 900));
        await pass(200);
        expect(slow.sent.length).toBe(taken);
        slow.resume();
        await settle();
        expect(slow.view).toEqual(free.view);
        expect(slow.syncs.at(-1)?.mode).toBe("resumed");
        const seqs = slow.sent.map(({ seq }) => seq);
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      }),
    );

    it(
      "can be held in the middle of a snapshot and leaves by the same way",
      withEngine(async ({ engine, settle }) => {
        await engine.publish(photos(2000, 100));
        const free = new Reader(engine, "u");
        const slow = new Reader(engine, "u", {}, 1);
        await settle();
        expect(slow.syncs).toEqual([]);
        for (let round = 0; slow.syncs.length === 0 && round < 100; round += 1) {
          slow.resume(1);
          await settle();
        }
        expect(slow.syncs).toMatchObject([{ mode: "snapshot" }]);
        expect(slow.view).toEqual(free.view);
      }),
    );

    it(
      "gives each user their own messages only, also of the same job and photo ids",
      withEngine(async ({ engine, pass, settle }) => {
        const mine = new Reader(engine, "u");
        const theirs = new Reader(engine, "v");
        const guessing = new Reader(engine, "v", { jobId: "j" });
        await settle();
        const scope = "user";
        await engine.publish([
          event.progressed(100, { scope }),
          event.progressed(700, { scope, userId: "v" }),
        ]);
        await pass(100);
        expect(mine.messages.filter(({ photoId }) => photoId).map((m) => m.progress)).toEqual([10, 10]);
        expect(theirs.messages.filter(({ photoId }) => photoId).map((m) => m.progress)).toEqual([70, 70]);
        expect(guessing.messages).toEqual(theirs.messages);
      }),
    );

    it(
      "filters one job, tells of its end, and does not know a foreign one from none",
      withEngine(async ({ engine, pass, settle }) => {
        await engine.publish([event.started(), event.started({ jobId: "k" })]);
        const reader = new Reader(engine, "u", { jobId: "j" });
        const foreign = new Reader(engine, "v", { jobId: "j" });
        const unknown = new Reader(engine, "v", { jobId: "nothing" });
        await settle();
        expect(reader.messages.every(({ jobId }) => jobId === "j")).toBe(true);
        expect(reader.syncs.map(({ isJobKnown }) => isJobKnown)).toEqual([true]);
        expect(foreign.syncs.map(({ isJobKnown }) => isJobKnown)).toEqual([false]);
        // But for the id, which tells when it was asked for.
        const told = ({ syncs }: Reader) => syncs.map(({ id: _id, ...sync }) => sync);
        expect(told(unknown)).toEqual(told(foreign));
        expect(reader.endings).toBe(0);
        await engine.publish([event.completed(), event.jobCompleted({ photoCount: 1 })]);
        await pass(100);
        expect(reader.messages.at(-1)).toMatchObject({
          type: "job_completed",
          status: "COMPLETED",
          progress: 100,
        });
        expect(reader.endings).toBe(1);
        const late = new Reader(engine, "u", { jobId: "j" });
        await settle();
        expect(late.endings).toBe(1);
      }),
    );

    it(
      "reads in pages what open would send",
      withEngine(async ({ engine, settle }) => {
        await engine.publish(photos(1000, 100));
        const reader = new Reader(engine, "u");
        await settle();
        const read = [];
        let page = await engine.read({
          userId: "u",
          jobId: null,
          from: { kind: "start", lastEventId: null },
        });
        read.push(...page.messages);
        expect(page.done).toBe(false);
        while (!page.done) {
          expect(page.messages.reduce((sum, { json }) => sum + json.length, 0)).toBeLessThanOrEqual(
            64 * 1024,
          );
          page = await engine.read({ userId: "u", jobId: null, from: page.next });
          read.push(...page.messages);
        }
        expect(read.map(({ json }) => json)).toEqual(reader.sent.map(({ json }) => json));
        expect(page.headId).toBe(reader.lastId);
      }),
    );

    it(
      "never gives more than 64 KiB at a time, live or not",
      withEngine(async ({ engine, settle }) => {
        const live = new Reader(engine, "u");
        await settle();
        await engine.publish(photos(1000, 100));
        const late = new Reader(engine, "u");
        await settle();
        for (const sizes of [live.groupSizes, late.groupSizes]) {
          expect(sizes.length).toBeGreaterThan(3);
          expect(Math.max(...sizes)).toBeLessThanOrEqual(64 * 1024);
        }
      }),
    );

    it(
      "closes for good",
      withEngine(async ({ engine, pass, settle }) => {
        const reader = new Reader(engine, "u");
        await settle();
        reader.close();
        await engine.publish([event.started()]);
        await pass(100);
        reader.resume();
        await settle();
        expect(reader.sent).toEqual([]);
        expect(engine.health().ready).toBe(true);
      }),
    );
  });
}
