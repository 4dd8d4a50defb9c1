import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { DomainEvent } from "../../src/domain/events.ts";
import { systemClock } from "../../src/engine/clock.ts";
import { CoreEngine } from "../../src/engine/core-engine.ts";
import { Disk } from "../../src/engine/resident/disk.ts";
import { ResidentStore } from "../../src/engine/resident/store.ts";
import { event } from "../events.ts";

// What many open photos cost a core: memory while they are open, and time until they are read back.

const PHOTOS = 200_000;
/** Requirement: a photo costs the core no more than this beyond its ids. */
const MAX_BYTES_PER_PHOTO = 400;
const RESTORED_PHOTOS = 100_000;
/** Requirement: reading them back takes less. */
const RESTORES = 8;
const MAX_RESTORE_MS = 1_500;
const EVENTS_AT_ONCE = 1_000;
const HOUR_MS = 3_600_000;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "progress-hub-test-"));
});

afterEach(() => rm(folder, { recursive: true }));

interface JobIds {
  readonly userId: string;
  readonly jobId: string;
  readonly photoIds: readonly string[];
}

/** One job a user. */
function idsOf(photos: number, photosPerJob: number): readonly JobIds[] {
  return Array.from({ length: photos / photosPerJob }, (_, job) => ({
    userId: flat(`user-${job}`),
    jobId: flat(`job-${job}`),
    photoIds: Array.from({ length: photosPerJob }, (_, photo) => flat(`photo-${job}-${photo}`)),
  }));
}

/** As it comes out of a request: one piece of text, and nobody else's. */
function flat(text: string): string {
  return JSON.parse(JSON.stringify(text));
}

function start(disk: Disk | null): { engine: CoreEngine; store: ResidentStore } {
  const store = new ResidentStore({
    clock: systemClock,
    retentionMs: HOUR_MS,
    maxJobsPerUser: 1_000,
    startMs: Date.now(),
    disk,
  });
  const engine = new CoreEngine({
    clock: systemClock,
    store,
    rules: { stallAfterMs: HOUR_MS, expireAfterMs: HOUR_MS, retryGraceMs: HOUR_MS, jobIdleMs: HOUR_MS },
    limits: { maxPhotosPerJob: 10_000, maxJobsPerUser: 1_000, maxOpenPhotos: 1_000_000 },
    photoIntervalMs: 50,
    jobIntervalMs: 80,
    recentMs: HOUR_MS,
  });
  return { engine, store };
}

const openDisk = (): Disk => new Disk({ folder, durability: "commit", floorSeq: 1_000 });

/** Every photo has started, moved and been shown twice, with a total and a name. */
async function fill(engine: CoreEngine, jobs: readonly JobIds[]): Promise<void> {
  await tell(engine, jobs, (photoId, index) =>
    event.started({ photoId, totalBytes: 3_000_000 + index, fileName: flat(`IMG_${index}.jpeg`) }),
  );
  await tell(engine, jobs, (photoId, index) =>
    event.progressed(1_000_000 + index, { photoId, totalBytes: null }),
  );
  await engine.showHeldBack();
}

async function tell(
  engine: CoreEngine,
  jobs: readonly JobIds[],
  make: (photoId: string, index: number) => DomainEvent,
): Promise<void> {
  const photosPerJob = jobs[0]?.photoIds.length ?? 1;
  const jobsAtOnce = Math.ceil(EVENTS_AT_ONCE / photosPerJob);
  for (let from = 0; from < jobs.length; from += jobsAtOnce) {
    const events = jobs
      .slice(from, from + jobsAtOnce)
      .flatMap(({ photoIds, ...ids }) =>
        photoIds.map((photoId, index) => ({ ...make(photoId, index), ...ids })),
      );
    await engine.publish(events);
  }
}

function bytesInUse(): number {
  for (let round = 0; round < 3; round += 1) collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const ways: readonly (readonly [number, string, () => Disk | null])[] = [
  [100, "in memory", () => null],
  [10, "in memory", () => null],
  [100, "on disk", openDisk],
];

it.each(ways)(
  `${PHOTOS} open photos, %i a job, %s: ${MAX_BYTES_PER_PHOTO} bytes each at most, beyond their ids`,
  async (...[photosPerJob, place, diskOf]) => {
    // The engine is told of the very strings that are there before it is: what it adds is what it costs beyond them.
    const jobs = idsOf(PHOTOS, photosPerJob);
    const { engine } = start(diskOf());
    const before = bytesInUse();
    await fill(engine, jobs);
    const perPhoto = (bytesInUse() - before) / PHOTOS;
    console.log(`bytes per open photo, ${photosPerJob} a job, ${place}: ${perPhoto.toFixed(0)}`);
    expect(engine.stats.openPhotos).toBe(PHOTOS);
    expect(engine.stats.shown).toBeGreaterThanOrEqual(2 * PHOTOS);
    // Here too, so that the ids are no garbage while what is beyond them is counted.
    expect(jobs).toHaveLength(PHOTOS / photosPerJob);
    // Fourteen numbers: with less, not all of it was counted.
    expect(perPhoto).toBeGreaterThan(14 * 8);
    expect(perPhoto).toBeLessThanOrEqual(MAX_BYTES_PER_PHOTO);
    await engine.close();
  },
);

it(`${RESTORED_PHOTOS} open photos are read back in less than ${MAX_RESTORE_MS} ms`, async () => {
  const { engine } = start(openDisk());
  await fill(engine, idsOf(RESTORED_PHOTOS, 100));
  await engine.close();
  const tookMs: number[] = [];
  // A machine whose CPUs are others' meanwhile is given another chance, and a slow hub has none.
  while (tookMs.length < RESTORES && Math.min(...tookMs) >= MAX_RESTORE_MS) {
    const { engine: again, store } = start(openDisk());
    const beganMs = performance.now();
    await store.restore(() => undefined);
    tookMs.push(performance.now() - beganMs);
    expect(again.stats.openPhotos).toBe(RESTORED_PHOTOS);
    await again.close();
  }
  console.log(
    `ms to read back ${RESTORED_PHOTOS} open photos: ${tookMs.map((ms) => ms.toFixed(0)).join(", ")}`,
  );
  expect(Math.min(...tookMs)).toBeLessThan(MAX_RESTORE_MS);
});
