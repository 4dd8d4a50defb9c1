import { beforeEach, describe, expect, it } from "vitest";
import { draftOf } from "../../src/domain/draft.ts";
import type { DomainEvent } from "../../src/domain/events.ts";
import { createJob } from "../../src/domain/job.ts";
import type { Clock } from "../../src/engine/clock.ts";
import type { OutMessage } from "../../src/engine/contract.ts";
import type { Change, Outcome, Store } from "../../src/engine/store.ts";
import { event } from "../events.ts";
import type { ManualClock } from "../manual-clock.ts";
import { committed, turnOf } from "../store-harness.ts";

/** A store under test. */
export interface StoreUnderTest {
  readonly store: Store;
  readonly clock: ManualClock;
  /** The clock that the store goes by, where it is another than the one that is moved. */
  readonly time?: Clock;
  stop(): Promise<void>;
}

export const MAX_JOBS_PER_USER = 3;
export const RETENTION_MS = 60_000;

const USERS = Array.from({ length: 25 }, (_, index) => `u${index}`);

/** What every store keeps. It may keep `MAX_JOBS_PER_USER` jobs a user, and ended ones for `RETENTION_MS`. */
export function storeConformance(name: string, start: () => Promise<StoreUnderTest>): void {
  let store: Store;
  let clock: ManualClock;
  let time: Clock;
  /** What the listener heard, by user, and where it heard of a gap. */
  let heard: { userId: string; messages: readonly OutMessage[] | "gap" }[];

  async function changeOf(userId: string, jobId: string, ...events: readonly DomainEvent[]): Promise<Change> {
    const now = { monotonicMs: time.monotonicMs(), unixMs: time.unixMs() };
    const job = (await store.load(userId, jobId)) ?? createJob(userId, jobId, now.monotonicMs);
    const draft = draftOf(job);
    const turn = turnOf(draft, events, now);
    return { draft, messages: turn.messages, deadlineMs: turn.nextAtMs, isDeadlineWhole: false };
  }

  const tell = async (userId: string, jobId: string, ...events: readonly DomainEvent[]): Promise<Outcome> =>
    committed(store, await changeOf(userId, jobId, ...events));
  const all = (userId: string, afterSeq = 0) =>
    store.since({ userId, jobId: null, afterSeq, limit: 100, past: null });
  const namesOf = ({ entries }: Awaited<ReturnType<typeof all>>) =>
    entries.map(({ job, photo, part }) => `${job.jobId}/${photo?.photoId ?? ""} ${part}`);
  const shownTo = (userId: string) =>
    heard.flatMap((one) => (one.userId === userId && one.messages !== "gap" ? one.messages : []));
  const ended = [event.created({ photoCount: 1 }), event.completed()];

  describe(`Store: ${name}`, () => {
    beforeEach(async () => {
      const under = await start();
      ({ store, clock } = under);
      time = under.time ?? clock;
      heard = [];
      store.listen({
        shown: (userId, messages) => heard.push({ userId, messages }),
        gap: (userId) => heard.push({ userId, messages: "gap" }),
        due: () => undefined,
      });
      for (const userId of ["u", "v", ...USERS]) store.watch(userId);
      await Promise.all(["u", "v", ...USERS].map((userId) => all(userId)));
      return () => under.stop();
    });

    it("knows nothing at first", async () => {
      expect(await store.load("u", "j")).toBeNull();
      expect((await store.jobs("u")).jobs).toEqual([]);
      expect(await all("u")).toMatchObject({ entries: [], job: null });
      expect(await store.ownerOf("job", "j")).toBeNull();
      expect(store.stats).toMatchObject({ jobs: 0, openPhotos: 0, users: 0 });
      expect(store.health()).toEqual({ ready: true, reason: null });
    });

    it("gives back what was committed, and nothing of a draft that was not", async () => {
      expect(await tell("u", "j", event.started({ fileName: "a.jpg" }), event.progressed(300))).toBe(
        "committed",
      );
      const job = await store.load("u", "j");
      expect(job?.photos.get("p")?.state).toMatchObject({ bytes: 300, total: 1000, fileName: "a.jpg" });
      expect(job?.tally.active).toBe(1);
      await changeOf("u", "j", event.completed(), event.started({ photoId: "q" }));
      const again = await store.load("u", "j");
      expect([...(again?.photos.values() ?? [])].map(({ photoId, state }) => [photoId, state.rank])).toEqual([
        ["p", 1],
      ]);
      expect(again?.tally.active).toBe(1);
      expect(store.stats).toMatchObject({ jobs: 1, openPhotos: 1, users: 1 });
    });

    it("numbers messages in their order, and tells of them", async () => {
      await tell("u", "j", event.started(), event.progressed(300));
      await expect
        .poll(() => shownTo("u").map(({ type }) => type))
        .toEqual(["upload_started", "upload_progress", "job_progress"]);
      const { epoch, headSeq, startSeq } = await all("u");
      expect(headSeq).toBeGreaterThanOrEqual(startSeq + 3);
      expect(shownTo("u").map(({ seq }) => seq)).toEqual([headSeq - 2, headSeq - 1, headSeq]);
      for (const { id, seq, json } of shownTo("u")) {
        expect(id).toBe(`${epoch}-${seq}`);
        expect(JSON.parse(json).id).toBe(id);
      }
    });

    it("refuses a draft of what is not the newest any more, and changes nothing then", async () => {
      await tell("u", "j", event.progressed(100));
      const [one, other] = [
        await changeOf("u", "j", event.progressed(200)),
        await changeOf("u", "j", event.completed()),
      ];
      expect(await Promise.all([committed(store, one), committed(store, other)])).toEqual([
        "committed",
        "conflict",
      ]);
      expect((await store.load("u", "j"))?.photos.get("p")?.state).toMatchObject({ bytes: 200, rank: 1 });
      const seqs = shownTo("u").map(({ seq }) => seq);
      expect(seqs).toEqual([...new Set(seqs)].sort((left, right) => left - right));
      expect(await tell("u", "j", event.completed())).toBe("committed");
    });

    it("makes a job once, whoever comes first", async () => {
      const [one, other] = [
        await changeOf("u", "j", event.progressed(100)),
        await changeOf("u", "j", event.progressed(200)),
      ];
      expect(await Promise.all([committed(store, one), committed(store, other)])).toEqual([
        "committed",
        "conflict",
      ]);
      expect((await store.load("u", "j"))?.photos.get("p")?.state.bytes).toBe(100);
    });

    it("gives what was last shown after a number, in order, of all jobs or of one", async () => {
      await tell("u", "j", event.started(), event.started({ photoId: "q" }));
      await tell("u", "k", event.started());
      const { headSeq } = await all("u");
      await tell("u", "j", event.progressed(500));
      expect(namesOf(await all("u"))).toEqual([
        "j/p started",
        "j/q started",
        "k/p started",
        "k/ last",
        "j/p last",
        "j/ last",
      ]);
      expect(namesOf(await all("u", headSeq))).toEqual(["j/p last", "j/ last"]);
      const one = await store.since({ userId: "u", jobId: "k", afterSeq: 0, limit: 100, past: null });
      expect([...one.entries].map(({ job }) => job.jobId)).toEqual(["k", "k"]);
      expect(one.job?.jobId).toBe("k");
      expect(
        await store.since({ userId: "u", jobId: "nothing", afterSeq: 0, limit: 100, past: null }),
      ).toMatchObject({
        job: null,
      });
    });

    it("gives entries that stay as they are, whatever is committed before somebody looks at them", async () => {
      await tell("u", "j", event.created({ photoCount: 2 }), event.started(), event.progressed(300));
      const { entries } = await all("u");
      const shownOf = () =>
        entries.map(({ seq, job, photo }) => ({ seq, shown: photo === null ? job.shown : photo.shown }));
      const before = structuredClone(shownOf());
      await tell("u", "j", event.progressed(900), event.started({ photoId: "q" }));
      expect(shownOf()).toEqual(before);
    });

    it("gives no more entries than asked for, the oldest, and says whether more follow", async () => {
      await tell("u", "j", event.started(), event.started({ photoId: "q" }));
      const { headSeq } = await all("u");
      const first = await store.since({ userId: "u", jobId: null, afterSeq: 0, limit: 2, past: null });
      expect(namesOf(first)).toEqual(["j/p started", "j/q started"]);
      expect(first).toMatchObject({ isAll: false, headSeq });
      const afterSeq = first.entries.at(-1)?.seq ?? 0;
      const second = await store.since({ userId: "u", jobId: null, afterSeq, limit: 2, past: null });
      expect(namesOf(second)).toEqual(["j/ last"]);
      expect(second.isAll).toBe(true);
    });

    it("leaves out what ended long ago, or all of it but the job's own message", async () => {
      await tell("u", "old", ...ended);
      await clock.advance(1_000);
      const beforeMs = time.monotonicMs();
      await tell("u", "new", ...ended);
      const jobsIn = async (keep: "none" | "job") =>
        [
          ...(
            await store.since({ userId: "u", jobId: null, afterSeq: 0, limit: 100, past: { beforeMs, keep } })
          ).entries,
        ].map(({ job, photo }) => `${job.jobId}/${photo?.photoId ?? ""}`);
      expect(await jobsIn("none")).toEqual(["new/p", "new/p", "new/"]);
      expect(await jobsIn("job")).toEqual(["old/", "new/p", "new/p", "new/"]);
    });

    it("keeps users apart, also with the same ids", async () => {
      await tell("u", "j", event.progressed(100));
      await tell("v", "j", event.progressed(700));
      expect((await store.load("u", "j"))?.photos.get("p")?.state.bytes).toBe(100);
      expect((await store.load("v", "j"))?.photos.get("p")?.state.bytes).toBe(700);
      expect(new Set(shownTo("u").map(({ json }) => JSON.parse(json).bytesTransferred))).toEqual(
        new Set([100]),
      );
      expect(await store.dropUser("u")).toBe(1);
      expect((await store.load("v", "j"))?.photos.size).toBe(1);
    });

    it("binds an id to its first user, an upload's apart from a job's", async () => {
      expect(await store.bindOwner("job", "j", "u")).toBe("u");
      expect(await store.bindOwner("job", "j", "v")).toBe("u");
      const binds = ["u", "v"].map((userId) => store.bindOwner("job", "raced", userId));
      const [one, other] = await Promise.all(binds);
      expect(one).toBe(other);
      expect(await store.ownerOf("job", "raced")).toBe(one);
      expect(await store.ownerOf("upload", "j")).toBeNull();
      expect(await store.bindOwner("upload", "j", "v")).toBe("v");
      expect(await store.ownerOf("job", "j")).toBe("u");
      await tell("u", "j", event.started());
      await store.releaseJob("u", "j");
      expect(await store.ownerOf("job", "j")).toBe("u");
      await store.bindOwner("job", "none", "u");
      await store.releaseJob("v", "none");
      expect(await store.ownerOf("job", "none")).toBe("u");
      await store.releaseJob("u", "none");
      expect(await store.ownerOf("job", "none")).toBeNull();
    });

    it("makes room for a job by the oldest that has ended, and has none where all are open", async () => {
      await tell("u", "open", event.started());
      await tell("u", "first", ...ended);
      await tell("u", "second", ...ended);
      expect(await tell("u", "third", event.started())).toBe("committed");
      expect((await store.jobs("u")).jobs.map(({ jobId }) => jobId)).toEqual(["open", "second", "third"]);
      expect(await store.load("u", "first")).toBeNull();
      expect(await tell("u", "fourth", event.started())).toBe("committed");
      expect(await tell("u", "fifth", event.started())).toBe("no_room");
      expect(await store.load("u", "fifth")).toBeNull();
      expect(await tell("u", "open", event.progressed(1))).toBe("committed");
      expect(await tell("v", "fifth", event.started())).toBe("committed");
    });

    it("forgets an ended job after its retention, with its owner, and raises the first number to stand on", async () => {
      await store.bindOwner("job", "j", "u");
      await tell("u", "open", event.started());
      const { headSeq } = await all("u");
      await tell("u", "j", ...ended);
      await clock.advance(RETENTION_MS - 1_000);
      expect(await store.load("u", "j")).not.toBeNull();
      await clock.advance(2_000);
      await expect.poll(() => store.load("u", "j")).toBeNull();
      expect(await store.ownerOf("job", "j")).toBeNull();
      const after = await all("u");
      expect(after.firstSeq).toBeGreaterThan(headSeq);
      expect(after.headSeq).toBeGreaterThanOrEqual(after.firstSeq);
      expect(namesOf(after)).toEqual(["open/p started", "open/ last"]);
    });

    it("never gives a number twice to a user who was forgotten and came back", async () => {
      await tell("u", "j", ...ended);
      const before = await all("u");
      await clock.advance(RETENTION_MS + 1_000);
      await expect.poll(() => store.load("u", "j")).toBeNull();
      expect((await all("u")).headSeq).toBeGreaterThanOrEqual(before.headSeq);
      await tell("u", "k", event.started());
      expect((await all("u")).headSeq).toBeGreaterThan(before.headSeq);
    });

    it("forgets a user: every id from before is before the numbers then, and the listener hears of the gap", async () => {
      await store.bindOwner("job", "j", "u");
      await store.bindOwner("upload", "up", "u");
      await tell("u", "j", event.started());
      await tell("u", "k", ...ended);
      const before = await all("u");
      expect(await store.dropUser("u")).toBe(2);
      await expect.poll(() => heard.at(-1)).toEqual({ userId: "u", messages: "gap" });
      expect(await store.load("u", "j")).toBeNull();
      expect([await store.ownerOf("job", "j"), await store.ownerOf("upload", "up")]).toEqual([null, null]);
      expect((await all("u")).firstSeq).toBeGreaterThan(before.headSeq);
      expect(store.stats).toMatchObject({ jobs: 0, openPhotos: 0, users: 0 });
      expect(await store.dropUser("u")).toBe(0);
    });

    it("tells of a user again who was unwatched and watched anew at once", async () => {
      store.unwatch("u");
      store.watch("u");
      await all("u");
      await tell("u", "j", event.progressed(100));
      await expect.poll(() => shownTo("u").length).toBe(3);
    });

    it("says of an id from before a user had anything that nothing was missed since", async () => {
      const { headSeq } = await all("u");
      await tell("u", "j", event.started());
      expect((await all("u")).firstSeq).toBeLessThanOrEqual(headSeq);
      const later = await all("v");
      expect((await all("v")).firstSeq).toBeLessThanOrEqual(later.headSeq);
    });

    it("takes many at once: each job's changes in order, numbers without a gap or a repetition", async () => {
      const jobs = Array.from({ length: 50 }, (_, index) => `j${index}`);
      const work = USERS.map(async (userId, at) => {
        for (const jobId of jobs.slice(2 * at, 2 * at + 2)) {
          for (const bytes of [100, 200, 300]) await tell(userId, jobId, event.progressed(bytes));
        }
      });
      await Promise.all(work);
      for (const userId of USERS) {
        const { startSeq, headSeq } = await all(userId);
        await expect.poll(() => shownTo(userId).at(-1)?.seq).toBe(headSeq);
        const seqs = shownTo(userId).map(({ seq }) => seq);
        const first = headSeq - seqs.length + 1;
        expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, index) => first + index));
        expect(first).toBeGreaterThan(startSeq);
      }
    });
  });
}
