import { beforeEach, describe, expect, it } from "vitest";
import type { DomainEvent } from "../../src/domain/events.ts";
import type { CoreEngine } from "../../src/engine/core-engine.ts";
import { createEngine, type Message, MINUTE_MS, Reader, settle } from "../engine-harness.ts";
import { event } from "../events.ts";
import type { ManualClock } from "../manual-clock.ts";

// The rules of progress-rules.md about jobs, by number, as a client sees them.

let engine: CoreEngine;
let clock: ManualClock;
let reader: Reader;

beforeEach(async () => {
  ({ engine, clock } = createEngine());
  reader = new Reader(engine, "u");
  await settle();
});

async function tell(...events: readonly DomainEvent[]): Promise<void> {
  for (const one of events) {
    await engine.publish([one]);
    await clock.advance(100);
  }
}

function jobMessages(): Message[] {
  return reader.messages.filter(({ photoId }) => photoId === undefined);
}

function job(): Message {
  const last = jobMessages().at(-1);
  if (last === undefined) throw new Error("no job message yet");
  return last;
}

const P = (photoId: string) => ({ photoId });

describe("percent of a job", () => {
  it("11: weighs photos by their totals, against the declared total", async () => {
    await tell(event.created({ photoCount: 2, totalBytes: 4000, title: "Trip" }));
    expect(job()).toMatchObject({
      type: "job_progress",
      status: "UPLOADING",
      title: "Trip",
      totalsVersion: 1,
    });
    await tell(event.progressed(500, { ...P("a"), totalBytes: 1000 }));
    expect(job()).toMatchObject({ progress: 12.5, bytesTransferred: 500, totalBytes: 4000 });
    expect(job().estimated).toBeUndefined();
    await tell(event.started({ ...P("b"), totalBytes: 9000 }));
    expect(job()).toMatchObject({ progress: 5, totalBytes: 10_000, totalsVersion: 2 });
  });

  it("11: unknown totals weigh the mean of the known, and the message says so", async () => {
    await tell(event.progressed(500, P("a")), event.progressed(7, { ...P("b"), totalBytes: null }));
    expect(job()).toMatchObject({ progress: 25, estimated: true, totalBytes: 2000 });
  });

  it("11: photos that were declared but not heard of weigh the mean too", async () => {
    await tell(event.created({ photoCount: 4 }), event.progressed(1000, P("a")));
    expect(job()).toMatchObject({ progress: 25, estimated: true, photos: { total: 4, active: 1 } });
  });

  it("11: goes by count where no total is known", async () => {
    await tell(event.created({ photoCount: 4 }));
    expect(job()).toMatchObject({ progress: 0, totalBytes: null });
    await tell(
      event.completed({ ...P("a"), totalBytes: null }),
      event.progressed(7, { ...P("b"), totalBytes: null }),
    );
    expect(job()).toMatchObject({ progress: 25, totalBytes: null, bytesTransferred: 7 });
  });

  it("12: failed photos count in full, cancelled ones leave both sides", async () => {
    await tell(event.created({ photoCount: 4 }), event.progressed(100, P("a")), event.failed(P("a")));
    await tell(event.progressed(0, P("b")), event.progressed(600, P("c")), event.progressed(0, P("d")));
    expect(job()).toMatchObject({ progress: 40, bytesTransferred: 700, totalBytes: 4000 });
    await tell(event.cancelled(P("d")));
    expect(job()).toMatchObject({ progress: 53.3, totalBytes: 3000 });
    expect(job().photos).toEqual({ total: 4, completed: 0, failed: 1, cancelled: 1, active: 2 });
  });

  it("16: sums saturate at 2^53-1 and come back exactly when a term leaves", async () => {
    const huge = Number.MAX_SAFE_INTEGER;
    await tell(
      event.progressed(1, { ...P("a"), totalBytes: huge }),
      event.progressed(3, { ...P("b"), totalBytes: huge }),
    );
    await tell(event.progressed(7, { ...P("c"), totalBytes: 1001 }));
    expect(job()).toMatchObject({ totalBytes: huge, bytesTransferred: 11, progress: 0 });
    await tell(
      event.progressed(huge - 1, { ...P("a"), totalBytes: huge }),
      event.completed({ ...P("b"), totalBytes: huge }),
    );
    expect(job()).toMatchObject({ totalBytes: huge, bytesTransferred: huge });
    await tell(event.cancelled(P("a")), event.cancelled(P("d")));
    expect(job()).toMatchObject({ totalBytes: huge, bytesTransferred: huge });
  });

  it("13: never falls within a totalsVersion", async () => {
    await tell(event.progressed(900, P("a")), event.started(P("b")), event.progressed(900, P("b")));
    await tell(event.failed(P("a")), event.started(P("a")), event.cancelled(P("b")));
    let last = { version: 0, progress: 0 };
    for (const message of jobMessages()) {
      const next = { version: message.totalsVersion ?? 0, progress: message.progress ?? 0 };
      expect(next.version).toBeGreaterThanOrEqual(last.version);
      if (next.version === last.version) expect(next.progress).toBeGreaterThanOrEqual(last.progress);
      last = next;
    }
    expect(last.version).toBeGreaterThan(1);
  });

  it("13: nor for whoever reads while a fall is held back", async () => {
    await tell(event.progressed(500, P("a")));
    await engine.publish([event.progressed(600, P("a"))]);
    await engine.publish([event.started({ ...P("b"), totalBytes: 9000 })]);
    const [held] = await engine.jobs("u", "j");
    expect(JSON.parse(held?.json ?? "")).toMatchObject({ progress: 60, totalsVersion: 1 });
    await clock.advance(100);
    expect(job()).toMatchObject({ progress: 6, totalsVersion: 2 });
  });

  it("17: is told when the job is first heard of, then on change, conflated, never for the rate alone", async () => {
    await tell(event.started());
    expect(jobMessages().length).toBe(1);
    await tell(event.started());
    await clock.advance(5000);
    expect(jobMessages().length).toBe(1);
    for (let bytes = 1; bytes <= 20; bytes += 1) {
      await engine.publish([event.progressed(bytes, { photoId: "p" })]);
      await clock.advance(10);
    }
    await clock.advance(100);
    expect(jobMessages().length).toBeGreaterThanOrEqual(4);
    expect(jobMessages().length).toBeLessThanOrEqual(5);
    expect(job().bytesTransferred).toBe(20);
  });
});

describe("the end of a job", () => {
  it("14: comes at once when the declared count is reached and all completed, after its photos' endings", async () => {
    await tell(event.created({ photoCount: 2 }), event.completed(P("a")), event.started(P("b")));
    expect(job().type).toBe("job_progress");
    await engine.publish([event.completed(P("b"))]);
    expect(reader.messages.slice(-2).map(({ type }) => type)).toEqual(["upload_completed", "job_completed"]);
    expect(job()).toMatchObject({ status: "COMPLETED", progress: 100, photos: { completed: 2, total: 2 } });
    expect(job()).not.toHaveProperty("bytesPerSecond");
  });

  it("14: waits retry-grace for a failed photo, and a retry calls it off", async () => {
    await tell(event.created({ photoCount: 2 }), event.completed(P("a")), event.failed(P("b")));
    await clock.advance(20_000);
    await tell(event.started(P("b")));
    await clock.advance(12_000);
    expect(job().type).toBe("job_progress");
    await tell(event.failed(P("b")));
    await clock.advance(29_000);
    expect(job().type).toBe("job_progress");
    await clock.advance(1_100);
    expect(job()).toMatchObject({ type: "job_completed", status: "PARTIAL" });
  });

  it("14: does not wait for a retry when uploadjob.completed was heard", async () => {
    await tell(event.created({ photoCount: 1 }), event.jobCompleted(), event.failed());
    expect(job()).toMatchObject({ type: "job_completed", status: "FAILED" });
  });

  it("14: without any count, uploadjob.completed ends it after 2 s of silence", async () => {
    await tell(event.completed(P("a")), event.jobCompleted());
    await clock.advance(1_000);
    await tell(event.completed(P("b")));
    await clock.advance(1_800);
    expect(job().type).toBe("job_progress");
    await clock.advance(200);
    expect(job()).toMatchObject({ status: "COMPLETED", photos: { completed: 2 } });
  });

  it("14: with photos open, after 5 s, and each of them fails first", async () => {
    await tell(event.progressed(400, P("a")), event.completed(P("b")), event.jobCompleted());
    await clock.advance(5_000);
    expect(reader.messages.slice(-2)).toMatchObject([
      { type: "upload_failed", photoId: "a", error: { code: "job_ended" } },
      { type: "job_completed", status: "PARTIAL", progress: 100 },
    ]);
  });

  it("14: nobody declared it: after job-idle of silence", async () => {
    await tell(event.completed());
    await clock.advance(29_000);
    expect(job().type).toBe("job_progress");
    await clock.advance(2_000);
    expect(job()).toMatchObject({ type: "job_completed", status: "COMPLETED" });
  });

  it("14: declared but never reached: after expire-after of silence", async () => {
    await tell(event.created({ photoCount: 3 }), event.completed(P("a")));
    await clock.advance(14 * MINUTE_MS);
    expect(job().type).toBe("job_progress");
    await clock.advance(2 * MINUTE_MS);
    expect(job()).toMatchObject({ type: "job_completed", status: "PARTIAL" });
  });

  it("14: the same with uploadjob.completed heard: nobody ended the job around its photos", async () => {
    await tell(event.created({ photoCount: 3 }), event.jobCompleted(), event.progressed(400, P("a")));
    await clock.advance(16 * MINUTE_MS);
    expect(reader.messages.slice(-2)).toMatchObject([
      { type: "upload_failed", photoId: "a", error: { code: "timeout" } },
      { type: "job_completed", status: "FAILED" },
    ]);
  });

  it("14: an empty job ends at once only if its declared count is 0", async () => {
    await tell(event.created({ photoCount: 0 }), event.created({ jobId: "k" }));
    expect(jobMessages().map(({ jobId, type }) => [jobId, type])).toEqual([
      ["j", "job_completed"],
      ["k", "job_progress"],
    ]);
    await tell(event.jobCompleted({ jobId: "k" }));
    await clock.advance(2_000);
    expect(job()).toMatchObject({ jobId: "k", type: "job_completed", status: "COMPLETED" });
  });

  it("14: uploadjob.cancelled cancels what is not completed, also photos heard of later", async () => {
    await tell(event.completed(P("a")), event.progressed(5, P("b")), event.jobCancelled());
    expect(reader.messages.slice(-2)).toMatchObject([
      { type: "upload_failed", status: "CANCELLED", photoId: "b", error: { code: "cancelled" } },
      { type: "job_completed", status: "CANCELLED" },
    ]);
    const ended = jobMessages().length;
    await tell(event.progressed(9, P("late")), event.progressed(10, P("late")));
    expect(reader.messages.slice(-2)).toMatchObject([
      { type: "upload_started", photoId: "late" },
      { type: "upload_failed", status: "CANCELLED", photoId: "late" },
    ]);
    expect(jobMessages().length).toBe(ended);
  });

  it("15: is told exactly once; what photos do later is told, the job stays as it ended", async () => {
    await tell(event.created({ photoCount: 1 }), event.failed(), event.jobCompleted());
    const end = job();
    await tell(event.completed(), event.started(P("late")), event.jobCompleted({ photoCount: 5 }));
    expect(reader.messages.filter(({ type }) => type === "job_completed").length).toBe(1);
    expect(reader.messages.filter(({ type }) => type === "upload_completed").length).toBe(1);
    const fresh = new Reader(engine, "u");
    await settle();
    expect(fresh.messages.find(({ type }) => type === "job_completed")).toEqual(end);
  });

  it("15: all photos cancelled is CANCELLED; cancelled beside completed is COMPLETED", async () => {
    await tell(event.created({ photoCount: 1 }), event.cancelled());
    expect(job().status).toBe("CANCELLED");
    await tell(event.created({ jobId: "k", photoCount: 2 }), event.cancelled({ ...P("a"), jobId: "k" }));
    await tell(event.completed({ ...P("b"), jobId: "k" }));
    expect(job()).toMatchObject({ jobId: "k", status: "COMPLETED" });
  });

  it("forgets an ended job after its retention, and an id from before then gives a snapshot", async () => {
    const { engine: short, clock: time } = createEngine({ retentionMs: 60_000, recentMs: 60_000 });
    const first = new Reader(short, "u");
    await settle();
    await short.publish([event.started({ jobId: "k" })]);
    const id = first.lastId;
    await short.publish([event.created({ photoCount: 1 }), event.completed()]);
    await time.advance(61_000);
    const late = new Reader(short, "u", { lastEventId: id });
    await settle();
    expect(late.syncs).toMatchObject([{ mode: "snapshot" }]);
    expect(late.messages.map(({ jobId }) => jobId)).not.toContain("j");
    expect(short.stats.jobs).toBe(1);
  });
});

describe("rate and ETA", () => {
  it("18: needs 2 samples and 1 s, follows with a half-life of 2 s, and gives an ETA", async () => {
    await tell(event.created({ totalBytes: 100_000, photoCount: 1 }), event.started({ totalBytes: 100_000 }));
    for (let bytes = 1000; bytes <= 40_000; bytes += 1000) {
      await engine.publish([event.progressed(bytes, { totalBytes: 100_000 })]);
      await clock.advance(100);
      if (bytes === 5000) expect(job()).toMatchObject({ bytesPerSecond: null, etaSeconds: null });
    }
    expect(job().bytesPerSecond).toBeGreaterThan(8_500);
    expect(job().bytesPerSecond).toBeLessThan(11_500);
    expect(job().etaSeconds).toBeGreaterThan(5);
    expect(job().etaSeconds).toBeLessThan(8);
  });

  it("18: a repeated ending is no throughput, and there is no ETA of 0", async () => {
    await tell(event.started(P("a")), event.progressed(900, P("a")), event.progressed(900, P("a")));
    for (let turn = 0; turn < 20; turn += 1) {
      await tell(event.completed(P("b")), event.progressed(turn, P("c")));
    }
    expect(job().bytesPerSecond ?? 0).toBeLessThan(100);
    await tell(event.progressed(1000, P("a")), event.progressed(1000, P("c")));
    expect(job()).toMatchObject({ status: "UPLOADING", etaSeconds: null });
  });

  it("18: follows a change of speed by half in 2 s", async () => {
    await tell(event.started({ totalBytes: 1e9 }));
    let bytes = 0;
    const run = async (bytesPerStep: number, steps: number) => {
      for (let step = 0; step < steps; step += 1) {
        bytes += bytesPerStep;
        await engine.publish([event.progressed(bytes, { totalBytes: 1e9 })]);
        await clock.advance(100);
      }
    };
    await run(1_000, 200);
    expect(job().bytesPerSecond).toBeGreaterThan(9_900);
    expect(job().bytesPerSecond).toBeLessThan(10_100);
    await run(3_000, 22);
    expect(job().bytesPerSecond).toBeGreaterThan(18_000);
    expect(job().bytesPerSecond).toBeLessThan(23_000);
  });

  it("18: bytes that were already stored at a start or a resume are no throughput", async () => {
    await tell(event.started({ totalBytes: 10_000_000 }));
    for (let step = 0; step < 20; step += 1) {
      await tell(event.progressed(5_000_000 + step * 100, { totalBytes: 10_000_000 }));
    }
    await clock.advance(20_000);
    await tell(event.progressed(9_000_000, { totalBytes: 10_000_000 }));
    expect(job().bytesPerSecond ?? 0).toBeLessThan(1_100);
  });
});
