import { beforeEach, describe, expect, it } from "vitest";
import type { DomainEvent } from "../../src/domain/events.ts";
import type { CoreEngine } from "../../src/engine/core-engine.ts";
import { createEngine, MINUTE_MS, Reader, settle } from "../engine-harness.ts";
import { event } from "../events.ts";
import type { ManualClock } from "../manual-clock.ts";

// The rules of progress-rules.md about photos, by number, as a client sees them.

let engine: CoreEngine;
let clock: ManualClock;
let reader: Reader;

beforeEach(async () => {
  ({ engine, clock } = createEngine());
  reader = new Reader(engine, "u");
  await settle();
});

/** Publishes each event by itself, far enough apart that nothing is conflated. */
async function tell(...events: readonly DomainEvent[]): Promise<void> {
  for (const one of events) {
    await engine.publish([one]);
    await clock.advance(100);
  }
}

function shown(photoId = "p"): (string | number | null | undefined)[][] {
  return reader.messages
    .filter((message) => message.photoId === photoId)
    .map(({ type, status, progress, attempt }) => [type, status, progress, attempt]);
}

describe("a photo", () => {
  it("is shown as started, then progress, then its ending", async () => {
    await tell(event.started({ fileName: "a.jpg" }), event.progressed(455), event.completed());
    expect(shown()).toEqual([
      ["upload_started", "UPLOADING", 0, 1],
      ["upload_progress", "UPLOADING", 45.5, 1],
      ["upload_completed", "COMPLETED", 100, 1],
    ]);
    expect(reader.messages[0]).toMatchObject({ fileName: "a.jpg", bytesTransferred: 0, totalBytes: 1000 });
  });

  it("1: is completed by any attempt, and nothing leaves it", async () => {
    await tell(event.started({ attempt: 2 }), event.completed({ attempt: 1 }), event.started({ attempt: 3 }));
    await tell(event.failed({ attempt: 3 }), event.cancelled());
    expect(shown().at(-1)).toEqual(["upload_completed", "COMPLETED", 100, 2]);
    expect(shown().length).toBe(2);
  });

  it("1: follows the greatest attempt, and a higher one leaves failed", async () => {
    await tell(event.progressed(300, { attempt: 1 }), event.failed({ attempt: 1 }));
    await tell(event.progressed(400, { attempt: 2 }), event.progressed(900, { attempt: 1 }));
    expect(shown().slice(-3)).toEqual([
      ["upload_failed", "FAILED", 30, 1],
      ["upload_started", "UPLOADING", 40, 2],
      ["upload_progress", "UPLOADING", 40, 2],
    ]);
  });

  it("1: in one batch, too, nothing that is heard beside completed takes anything from it", async () => {
    const batch = [event.progressed(1000, { attempt: 1 }), event.completed({ attempt: 1, totalBytes: null })];
    const late = [event.started({ attempt: 2, totalBytes: null }), event.failed({ attempt: 7 })];
    expect(await engine.publish([...batch, ...late])).toMatchObject({ accepted: 2, unchanged: 2 });
    expect(reader.messages[1]).toMatchObject({
      status: "COMPLETED",
      attempt: 1,
      bytesTransferred: 1000,
      totalBytes: 1000,
    });
  });

  it("2: an event that changes nothing shows nothing and counts as unchanged", async () => {
    await tell(event.started(), event.progressed(500));
    const before = reader.sent.length;
    const result = await engine.publish([event.progressed(500), event.progressed(200), event.started()]);
    expect(result).toMatchObject({ accepted: 0, unchanged: 3, rejected: [] });
    await clock.advance(1000);
    expect(reader.sent.length).toBe(before);
  });

  it("2: each event of a batch is counted against the state after those before it", async () => {
    const created = event.created({ photoCount: 3 });
    const counts = async (batch: readonly DomainEvent[]) => {
      const { accepted, unchanged } = await engine.publish(batch);
      return [accepted, unchanged];
    };
    expect(await counts([created, created])).toEqual([1, 1]);
    expect(await counts([event.progressed(1), event.created(), event.created({ title: "Trip" })])).toEqual([
      2, 1,
    ]);
    expect(await counts([event.jobCancelled(), event.jobCancelled()])).toEqual([1, 1]);
    expect(await counts([event.started({ photoId: "late" }), event.jobCancelled()])).toEqual([1, 1]);
  });

  it("4: started without a number after a failure opens the next attempt, its second delivery does not", async () => {
    const again = event.started();
    await tell(event.started(), event.progressed(300), event.failed(), again);
    expect(shown().at(-1)).toEqual(["upload_started", "UPLOADING", 30, 2]);
    await tell(event.failed(), again);
    expect(shown().at(-1)).toEqual(["upload_failed", "FAILED", 30, 2]);
    expect((await engine.publish([again])).unchanged).toBe(1);
  });

  it("5: shows a higher-ranked ending too, and never the same one twice", async () => {
    await tell(event.started(), event.cancelled(), event.failed(), event.cancelled(), event.failed());
    await tell(event.completed(), event.completed());
    expect(shown().map(([, status]) => status)).toEqual(["UPLOADING", "CANCELLED", "FAILED", "COMPLETED"]);
  });

  it("6: rounds down, stays below 100 until completed, and is PROCESSING when all bytes are in", async () => {
    await tell(event.progressed(333, { totalBytes: 1000 }), event.progressed(9999, { totalBytes: 10_000 }));
    await tell(event.progressed(10_000, { totalBytes: 10_000 }));
    expect(shown().slice(-3)).toEqual([
      ["upload_progress", "UPLOADING", 33.3, 1],
      ["upload_progress", "UPLOADING", 99.9, 1],
      ["upload_progress", "PROCESSING", 99.9, 1],
    ]);
  });

  it("7: has no percent while the total is unknown, and bytes over the total show as the total", async () => {
    await tell(event.started({ totalBytes: null }), event.progressed(77, { totalBytes: null }));
    expect(reader.messages.filter(({ photoId }) => photoId).at(-1)).toMatchObject({
      progress: null,
      bytesTransferred: 77,
      totalBytes: null,
    });
    await tell(event.progressed(1500, { totalBytes: 1000 }));
    expect(reader.messages.filter(({ photoId }) => photoId).at(-1)).toMatchObject({ bytesTransferred: 1000 });
    expect(engine.stats.anomalies).toBe(1);
    await tell(
      event.progressed(1500, { photoId: "q", totalBytes: 1000 }),
      event.progressed(1500, { photoId: "q" }),
    );
    expect(engine.stats.anomalies).toBe(2);
  });

  it("7: a total of 0 is progress 0 until completed", async () => {
    await tell(event.started({ totalBytes: 0 }), event.completed({ totalBytes: 0 }));
    expect(shown()[0]).toEqual(["upload_started", "UPLOADING", 0, 1]);
    expect(shown().at(-1)).toEqual(["upload_completed", "COMPLETED", 100, 1]);
  });

  it("8: never shows less than before: neither for a new attempt nor for a grown total", async () => {
    await tell(
      event.progressed(800),
      event.failed(),
      event.started(),
      event.progressed(100),
      event.progressed(850),
    );
    expect(shown().map(([, , progress]) => progress)).toEqual([80, 80, 80, 80, 80, 85]);
    await tell(event.progressed(850, { totalBytes: 2000 }));
    expect(shown().at(-1)?.[2]).toBe(85);
  });

  it("8: a retry that does not say its total keeps the percent and the total", async () => {
    await tell(event.progressed(600), event.failed(), event.started({ totalBytes: null }));
    await tell(event.progressed(100, { totalBytes: null }));
    expect(shown().slice(-2)).toEqual([
      ["upload_started", "UPLOADING", 60, 2],
      ["upload_progress", "UPLOADING", 60, 2],
    ]);
    expect(reader.messages.filter(({ photoId }) => photoId).at(-1)).toMatchObject({ totalBytes: 1000 });
  });

  it("9: a name heard after upload_started was shown is there for whoever comes later", async () => {
    await tell(event.progressed(100), event.started({ fileName: "late.jpg" }));
    expect(shown().length).toBe(2);
    const fresh = new Reader(engine, "u");
    await settle();
    expect(fresh.messages[0]).toMatchObject({ type: "upload_started", fileName: "late.jpg" });
  });

  it("9: shows started before progress or an ending that overtook it", async () => {
    await tell(event.progressed(200), event.failed({ photoId: "q" }));
    expect(shown().map(([type]) => type)).toEqual(["upload_started", "upload_progress"]);
    expect(shown("q").map(([type]) => type)).toEqual(["upload_started", "upload_failed"]);
  });

  it("9: a batch is merged whole and then shown", async () => {
    await engine.publish([
      event.completed(),
      event.progressed(10),
      event.failed(),
      event.started({ fileName: "late.jpg" }),
    ]);
    expect(shown()).toEqual([
      ["upload_started", "UPLOADING", 99.9, 1],
      ["upload_completed", "COMPLETED", 100, 1],
    ]);
    expect(reader.messages[0]?.fileName).toBe("late.jpg");
  });

  it("10: is stalled once after silence, not while processing, and moves on with new bytes", async () => {
    await tell(event.progressed(300), event.progressed(1000, { photoId: "q" }));
    await clock.advance(30_000);
    const stalled = reader.messages.filter((message) => message.stalled);
    expect(stalled.map(({ photoId, type, status }) => [photoId, type, status])).toEqual([
      ["p", "upload_progress", "UPLOADING"],
    ]);
    await tell(event.progressed(400));
    expect(reader.messages.filter(({ photoId }) => photoId === "p").at(-1)?.stalled).toBeUndefined();
  });

  it("10: time spent processing is no stall, also when the total grows afterwards", async () => {
    await tell(event.progressed(300), event.progressed(1000));
    await clock.advance(11_000);
    await tell(event.started({ totalBytes: 4000 }));
    expect(shown().at(-1)?.[1]).toBe("UPLOADING");
    expect(reader.messages.some(({ stalled }) => stalled)).toBe(false);
  });

  it("10: expires after silence, and any event pushes that back, also one that changes nothing", async () => {
    await tell(event.progressed(300));
    await clock.advance(14 * MINUTE_MS);
    await tell(event.progressed(300));
    await clock.advance(14 * MINUTE_MS);
    expect(shown().at(-1)?.[1]).toBe("UPLOADING");
    await clock.advance(2 * MINUTE_MS);
    expect(reader.messages.filter(({ photoId }) => photoId).at(-1)).toMatchObject({
      status: "FAILED",
      error: { code: "timeout" },
    });
    expect(engine.stats.openPhotos).toBe(0);
  });

  it.each([null, 1])(
    "10: more bytes after the hub's own ending open the next attempt (attempt %s)",
    async (attempt) => {
      // Two declared photos keep the job open.
      await tell(event.created({ photoCount: 2 }), event.progressed(300, { attempt }));
      await tell(event.started({ photoId: "q" }));
      await clock.advance(10 * MINUTE_MS);
      await tell(event.progressed(1, { photoId: "q" }));
      await clock.advance(6 * MINUTE_MS);
      expect(shown().at(-1)).toEqual(["upload_failed", "FAILED", 30, 1]);
      await tell(event.progressed(300, { attempt }));
      expect(shown().at(-1)).toEqual(["upload_failed", "FAILED", 30, 1]);
      await tell(
        event.progressed(500, { attempt }),
        event.progressed(600, { attempt }),
        event.completed({ attempt }),
      );
      expect(shown().slice(-4)).toEqual([
        ["upload_started", "UPLOADING", 50, 2],
        ["upload_progress", "UPLOADING", 50, 2],
        ["upload_progress", "UPLOADING", 60, 2],
        ["upload_completed", "COMPLETED", 100, 2],
      ]);
    },
  );

  it("10: a producer's own failure takes the place of the hub's: then more bytes open nothing", async () => {
    await tell(event.created({ photoCount: 2 }), event.progressed(300));
    await clock.advance(16 * MINUTE_MS);
    await tell(event.failed(), event.progressed(500));
    expect(shown().map(([type]) => type)).toEqual([
      "upload_started",
      "upload_progress",
      "upload_progress",
      "upload_failed",
    ]);
  });

  it("1: what is heard of a completed photo is unchanged, whatever attempt it names", async () => {
    await tell(event.completed());
    const late = [
      event.progressed(10, { attempt: 2 }),
      event.started({ attempt: 3 }),
      event.failed({ attempt: 4 }),
    ];
    expect(await engine.publish(late)).toMatchObject({ accepted: 0, unchanged: 3, rejected: [] });
  });

  it("8: a reader sees what was shown last, and not what is held back, which may never be shown", async () => {
    await engine.publish([event.created({ photoCount: 2 }), event.started(), event.progressed(100)]);
    await engine.publish([event.progressed(500)]);
    const page = await engine.read({ userId: "u", jobId: null, from: { kind: "start", lastEventId: null } });
    const polled = page.messages.map(({ json }) => JSON.parse(json).progress);
    expect(polled).toEqual([10, 10, 5]);
    await engine.publish([event.progressed(500, { totalBytes: 5000 })]);
    await clock.advance(100);
    expect(shown().at(-1)?.[2]).toBe(10);
    const job = reader.messages.at(-1);
    expect(job).toMatchObject({ type: "job_progress", totalsVersion: 1, progress: 5 });
  });

  it("conflates: first at once, then one an interval, the last state always, an ending at once", async () => {
    await engine.publish([event.started()]);
    for (let bytes = 10; bytes <= 400; bytes += 10) {
      await engine.publish([event.progressed(bytes)]);
      await clock.advance(5);
    }
    await clock.advance(100);
    const progress = reader.messages.filter(({ type }) => type === "upload_progress");
    expect(progress.length).toBeGreaterThanOrEqual(4);
    expect(progress.length).toBeLessThanOrEqual(5);
    expect(progress.at(-1)?.progress).toBe(40);
    await engine.publish([event.progressed(500)]);
    await engine.publish([event.progressed(600)]);
    await engine.publish([event.completed()]);
    await clock.advance(1000);
    expect(shown().slice(-2)).toEqual([
      ["upload_progress", "UPLOADING", 50, 1],
      ["upload_completed", "COMPLETED", 100, 1],
    ]);
  });

  it("shows every change when the interval is 0", async () => {
    const { engine: eager } = createEngine({ photoIntervalMs: 0, jobIntervalMs: 0 });
    const all = new Reader(eager, "u");
    await settle();
    for (const bytes of [1, 2, 3, 4]) await eager.publish([event.progressed(bytes)]);
    expect(all.messages.filter(({ type }) => type === "upload_progress").length).toBe(4);
  });
});
