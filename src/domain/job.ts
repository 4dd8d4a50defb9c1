import { type DomainEvent, isPhotoEvent, type JobEvent, type PhotoEvent } from "./events.ts";
import type { JobStatus, JobView } from "./job-view.ts";
import {
  COMPLETED,
  cancelWithJob,
  failByHub,
  greatestKnown,
  isSettled,
  mergePhoto,
  type PhotoState,
  smallest,
  totalOf,
} from "./photo.ts";
import { isStallable, type Photo, type Stamp, shareOf } from "./photo-view.ts";
import { Rate } from "./rate.ts";
import { type Declared, Tally } from "./tally.ts";

/** What clients have been told of a job. */
export interface JobShown {
  readonly view: JobView;
  readonly totalsVersion: number;
  readonly last: Stamp;
  /** Monotonic milliseconds of the newest message: conflation counts from here. */
  readonly lastAtMs: number;
}

/** The photos of a job, by id, in the order in which they were heard of. */
export interface Photos {
  readonly size: number;
  has(photoId: string): boolean;
  /** To be changed where the job is a draft, which gives the same copy each time; else to be read only. */
  get(photoId: string): Photo | undefined;
  set(photoId: string, photo: Photo): unknown;
  /** To be read only. */
  values(): Iterable<Photo>;
}

/** A job as the engine keeps it: identity is (userId, jobId). Times are monotonic milliseconds. */
export interface Job {
  readonly userId: string;
  readonly jobId: string;
  /** Grows with each commit; 0: never committed. */
  version: number;
  readonly photos: Photos;
  readonly tally: Tally;
  readonly rate: Rate;
  declared: Declared;
  title: string | null;
  /** `uploadjob.completed` was heard: no photo follows. */
  completedHeard: boolean;
  /** `uploadjob.cancelled` was heard. */
  cancelledHeard: boolean;
  /** Of the newest event, also one that changed nothing. */
  lastEventAtMs: number;
  /** When a photo last came to an ending: the grace for a retry counts from here. */
  lastEndingAtMs: number;
  shown: JobShown | null;
  /** How it ended, frozen; null: it has not. */
  ended: { readonly status: JobStatus; readonly atMs: number } | null;
}

/** What an event did to its job. */
export interface Applied {
  /** False: the event told nothing new of a known job (progress-rules.md 2). */
  readonly changed: boolean;
  /** Photos that may have something to show. */
  readonly touched: readonly Photo[];
  /** bytes over total were heard: a producer's mistake, counted (rule 7). */
  readonly anomaly: boolean;
}

/** `photos`: where they are to be kept, none yet. */
export function createJob<Kind extends Photos>(
  userId: string,
  jobId: string,
  nowMs: number,
  photos: Kind,
): Job & { readonly photos: Kind };
export function createJob(userId: string, jobId: string, nowMs: number): Job;
export function createJob(userId: string, jobId: string, nowMs: number, photos: Photos = new Map()): Job {
  return {
    userId,
    jobId,
    version: 0,
    photos,
    tally: new Tally(),
    rate: new Rate(),
    declared: { photoCount: null, totalBytes: null },
    title: null,
    completedHeard: false,
    cancelledHeard: false,
    lastEventAtMs: nowMs,
    lastEndingAtMs: nowMs,
    shown: null,
    ended: null,
  };
}

/** It has ended, and none of its photos is open again. */
export function isQuiet({ ended, tally }: Pick<Job, "ended" | "tally">): boolean {
  return ended !== null && tally.active === 0;
}

/** Merges one event of this job. */
export function applyEvent(job: Job, event: DomainEvent, nowMs: number): Applied {
  job.lastEventAtMs = nowMs;
  return isPhotoEvent(event) ? applyPhotoEvent(job, event, nowMs) : applyJobEvent(job, event, nowMs);
}

/** No event for too long: the photo fails with `timeout` (rule 10). */
export function expirePhoto(job: Job, photo: Photo, nowMs: number): void {
  change(job, photo, failByHub(photo.state, TIMEOUT), nowMs);
}

/** The job ends around photos that are still open: each fails first (rule 14). Gives those photos. */
export function failOpenPhotos(job: Job, nowMs: number): readonly Photo[] {
  const isTold = job.completedHeard && job.declared.photoCount === null;
  const error = isTold ? JOB_ENDED : TIMEOUT;
  return settleOpenPhotos(job, (state) => failByHub(state, error), nowMs);
}

const TIMEOUT = { code: "timeout", message: "The upload was not heard of for too long" };
const JOB_ENDED = { code: "job_ended", message: "The upload job ended before this photo did" };

function applyJobEvent(job: Job, event: JobEvent, nowMs: number): Applied {
  const before = { ...job };
  switch (event.type) {
    case "uploadjob.created":
      job.declared = {
        photoCount: greatestKnown(job.declared.photoCount, event.photoCount),
        totalBytes: greatestKnown(job.declared.totalBytes, event.totalBytes),
      };
      job.title = smallest(job.title, event.title);
      break;
    case "uploadjob.completed":
      job.completedHeard = true;
      job.declared = {
        ...job.declared,
        photoCount: greatestKnown(job.declared.photoCount, event.photoCount),
      };
      break;
    case "uploadjob.cancelled":
      job.cancelledHeard = true;
      break;
  }
  const touched = job.cancelledHeard ? settleOpenPhotos(job, cancelWithJob, nowMs) : [];
  const changed = touched.length > 0 || (job.ended === null && differs(before, job));
  return { changed, touched, anomaly: false };
}

function differs(before: Job, after: Job): boolean {
  return (
    before.declared.photoCount !== after.declared.photoCount ||
    before.declared.totalBytes !== after.declared.totalBytes ||
    before.title !== after.title ||
    before.completedHeard !== after.completedHeard ||
    before.cancelledHeard !== after.cancelledHeard
  );
}

function applyPhotoEvent(job: Job, event: PhotoEvent, nowMs: number): Applied {
  const known = job.photos.get(event.photoId);
  const merged = mergePhoto(known?.state ?? null, event);
  const state = job.cancelledHeard ? cancelWithJob(merged) : merged;
  const photo = known ?? addPhoto(job, event.photoId, state, nowMs);
  const before = photo.state;
  photo.lastEventAtMs = nowMs;
  if (known !== undefined) change(job, photo, state, nowMs);
  sample(job, photo, event, known === undefined ? null : before, nowMs);
  const changed = known === undefined || tellsNews(before, state);
  return {
    changed,
    touched: changed ? [photo] : [],
    anomaly: isOver(state) && (known === undefined || state !== before),
  };
}

function addPhoto(job: Job, photoId: string, state: PhotoState, nowMs: number): Photo {
  const photo: Photo = {
    photoId,
    state,
    shown: null,
    stalled: false,
    lastEventAtMs: nowMs,
    lastBytesAtMs: nowMs,
    sampledAttempt: 0,
  };
  job.photos.set(photoId, photo);
  job.tally.replace(null, shareOf(photo));
  if (isSettled(state)) job.lastEndingAtMs = nowMs;
  return photo;
}

/** Gives the photo its new state, and the job's aggregates the difference. */
function change(job: Job, photo: Photo, state: PhotoState, nowMs: number): void {
  const before = photo.state;
  if (state === before) return;
  const share = shareOf(photo);
  photo.state = state;
  job.tally.replace(share, shareOf(photo));
  const begins = isStallable(state) && !isStallable(before);
  if (begins || state.attempt !== before.attempt || state.bytes !== before.bytes) {
    photo.lastBytesAtMs = nowMs;
    photo.stalled = false;
  }
  if (isSettled(state) && (state.rank !== before.rank || state.attempt !== before.attempt)) {
    job.lastEndingAtMs = nowMs;
  }
}

/**
 * A settled photo tells news only by another ending or attempt: what else is heard of it is joined in silence.
 * The hash of a `started` is no news either.
 */
function tellsNews(before: PhotoState, after: PhotoState): boolean {
  if (before.rank === COMPLETED) return false;
  if (before.rank !== after.rank || before.attempt !== after.attempt) return true;
  if (isSettled(after)) return false;
  return (
    before.bytes !== after.bytes || totalOf(before) !== totalOf(after) || before.fileName !== after.fileName
  );
}

/**
 * Feeds the job's rate. The first bytes heard of an attempt, and the first after a stall, may have been stored
 * before: they are where counting begins, not throughput (rule 18). A photo that completes without any progress
 * in between moved all its bytes since it started.
 */
function sample(job: Job, photo: Photo, event: PhotoEvent, before: PhotoState | null, nowMs: number): void {
  const { attempt, bytes } = photo.state;
  const total = totalOf(photo.state);
  if (before?.rank === COMPLETED) return;
  const sameAttempt = before !== null && before.attempt === attempt;
  const counting = sameAttempt && photo.sampledAttempt === attempt;
  if (event.type === "photo.upload.progressed" && photo.state.rank !== COMPLETED) {
    if (counting && bytes === before.bytes) return;
    photo.sampledAttempt = attempt;
    job.rate.addSample(counting ? bytes - before.bytes : 0, nowMs);
  } else if (event.type === "photo.upload.completed" && sameAttempt && total !== null) {
    job.rate.addSample(Math.max(0, total - before.bytes), nowMs);
  }
}

/** Uploading without new bytes: from here its bytes count no more towards the rate, until they move again. */
export function stallPhoto(photo: Photo): void {
  photo.stalled = true;
  photo.sampledAttempt = 0;
}

function settleOpenPhotos(
  job: Job,
  settle: (state: PhotoState) => PhotoState,
  nowMs: number,
): readonly Photo[] {
  if (job.tally.active === 0) return [];
  const settled: Photo[] = [];
  for (const { photoId, state } of job.photos.values()) {
    const photo = isSettled(state) ? undefined : job.photos.get(photoId);
    if (photo === undefined) continue;
    change(job, photo, settle(photo.state), nowMs);
    settled.push(photo);
  }
  return settled;
}

function isOver(state: PhotoState): boolean {
  const total = totalOf(state);
  return total !== null && state.bytes > total;
}
