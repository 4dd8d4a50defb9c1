import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DomainEvent, isPhotoEvent } from "../../src/domain/events.ts";
import { applyEvent, createJob, type Job } from "../../src/domain/job.ts";
import { mergePhoto, type PhotoState } from "../../src/domain/photo.ts";
import { type Photo, shareOf, viewOf } from "../../src/domain/photo-view.ts";
import { Tally } from "../../src/domain/tally.ts";
import { createEngine, type Message, Reader, settle } from "../engine-harness.ts";
import { event } from "../events.ts";
import { history, numberedEvents, shuffledWithRepeats } from "./arbitrary-events.ts";

function joined(events: readonly DomainEvent[]): Record<string, unknown> {
  const states = new Map<string, PhotoState>();
  for (const one of events) {
    if (isPhotoEvent(one)) states.set(one.photoId, mergePhoto(states.get(one.photoId) ?? null, one));
  }
  // The remembered `started` events name deliveries, not state.
  return Object.fromEntries([...states].sort().map(([id, { starts: _starts, ...state }]) => [id, state]));
}

async function finalEndings(events: readonly DomainEvent[]): Promise<Record<string, unknown>> {
  const { engine, clock } = createEngine({ recentMs: 1e12 });
  for (const one of events) {
    await engine.publish([one]);
    await clock.advance(7);
  }
  await engine.publish([event.jobCompleted({ photoCount: 4 })]);
  await clock.advance(60 * 60_000);
  const reader = new Reader(engine, "u");
  await settle();
  const endings = reader.messages.filter(({ type }) => type !== "upload_started");
  expect(endings.length).toBeGreaterThan(0);
  return Object.fromEntries(
    // Which attempt was told before another one completed is a matter of order.
    endings.map(({ photoId = "job", status, attempt, photos }: Message) => [
      photoId,
      [status, status === "COMPLETED" ? null : attempt, photos],
    ]),
  );
}

describe("joins", () => {
  it("give the same state for any order and any repetition of numbered events", () => {
    const two = numberedEvents.chain((events) => fc.tuple(fc.constant(events), shuffledWithRepeats(events)));
    fc.assert(
      fc.property(two, ([one, other]) => {
        expect(joined(other)).toEqual(joined(one));
      }),
      { numRuns: 1000 },
    );
  });

  it("are idempotent: an event heard again gives the very same object", () => {
    fc.assert(
      fc.property(numberedEvents, (events) => {
        const states = new Map<string, PhotoState>();
        for (const one of events) {
          if (!isPhotoEvent(one)) continue;
          const state = mergePhoto(states.get(one.photoId) ?? null, one);
          expect(mergePhoto(state, one)).toBe(state);
          states.set(one.photoId, state);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("give the same final ending of each photo and of the job", async () => {
    const two = numberedEvents.chain((events) => fc.tuple(fc.constant(events), shuffledWithRepeats(events)));
    await fc.assert(
      fc.asyncProperty(two, async ([one, other]) => {
        expect(await finalEndings(other)).toEqual(await finalEndings(one));
      }),
      { numRuns: 150 },
    );
  });
});

describe("aggregates", () => {
  const show = (photo: Photo) => {
    const stamp = { seq: 1, at: 0 };
    const view = viewOf(photo);
    photo.shown = { view, highest: 0, started: stamp, last: stamp, lastAtMs: 0 };
  };
  const recount = (job: Job) => {
    const tally = new Tally();
    for (const photo of job.photos.values()) tally.replace(null, shareOf(photo));
    return tally.totals(job.declared);
  };

  it("equal a full recount after every event, and never hold NaN or Infinity", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const job = createJob("u", "j", 0);
        let nowMs = 0;
        for (const { batch, passMs } of steps) {
          nowMs += passMs;
          for (const one of batch) {
            const { touched } = applyEvent(job, one, nowMs);
            const totals = job.tally.totals(job.declared);
            expect(totals).toEqual(recount(job));
            for (const value of [totals.bytes, totals.total, totals.tenths, totals.remaining]) {
              expect(value === null || (Number.isFinite(value) && value >= 0)).toBe(true);
            }
            // Shown, an ending stands as it was shown, whatever is heard of it later.
            for (const photo of touched) show(photo);
            expect(job.tally.totals(job.declared)).toEqual(recount(job));
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});
