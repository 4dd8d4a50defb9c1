import { createJob, type Job } from "../domain/job.ts";
import type { JobStatus, JobView } from "../domain/job-view.ts";
import type { Rank } from "../domain/photo.ts";
import { type Photo, type PhotoStatus, type PhotoView, type Stamp, shareOf } from "../domain/photo-view.ts";
import { PackedPhotos } from "./packed-photos.ts";

// What is kept of photos and jobs, as JSON arrays: a third of what objects take, and no names to keep in step with.
// The order of their elements is the format: what is added goes to the end. On disk it is bytes (see resident/record-bytes).

type ErrorRecord = readonly [code: string, message: string] | null;

export type PhotoRecord = readonly [
  attempt: number,
  rank: Rank,
  bytes: number,
  total: number | null,
  largestTotal: number | null,
  completedAttempt: number,
  error: ErrorRecord,
  fileName: string | null,
  starts: readonly number[] | null,
  endedByHub: 0 | 1,
  opened: number,
  stalled: 0 | 1,
  shown: PhotoShownRecord | null,
];

type PhotoShownRecord = readonly [
  attempt: number,
  status: PhotoStatus,
  bytes: number,
  total: number | null,
  tenths: number | null,
  stalled: 0 | 1,
  error: ErrorRecord,
  highest: number,
  startedSeq: number,
  startedAt: number,
  /** 0: nothing followed `upload_started`. */
  lastSeq: number,
  lastAt: number,
];

export type JobRecord = readonly [
  bornSeq: number,
  newestSeq: number,
  photoCount: number | null,
  totalBytes: number | null,
  title: string | null,
  completedHeard: 0 | 1,
  cancelledHeard: 0 | 1,
  ended: readonly [status: JobStatus, atUnixMs: number] | null,
  shown: JobShownRecord | null,
];

type JobShownRecord = readonly [
  status: JobView["status"],
  bytes: number,
  total: number | null,
  tenths: number | null,
  estimated: 0 | 1,
  remaining: number | null,
  photos: readonly [total: number, completed: number, failed: number, cancelled: number, active: number],
  title: string | null,
  totalsVersion: number,
  seq: number,
  at: number,
];

/** A job in memory. */
export interface PackedJob extends Job {
  readonly photos: PackedPhotos;
}

/** A job as it is kept, its photos aside. */
export interface KeptJob {
  readonly job: Job;
  readonly bornSeq: number;
  readonly newestSeq: number;
  /** null: it has not ended. */
  readonly endedUnixMs: number | null;
}

export function photoRecord({ state, shown, stalled }: Photo): PhotoRecord {
  return [
    state.attempt,
    state.rank,
    state.bytes,
    state.total,
    state.largestTotal,
    state.completedAttempt,
    errorRecord(state.error),
    state.fileName,
    state.starts,
    state.endedByHub ? 1 : 0,
    state.opened,
    stalled ? 1 : 0,
    shown === null ? null : photoShownRecord(shown),
  ];
}

function photoShownRecord({ view, highest, started, last }: NonNullable<Photo["shown"]>): PhotoShownRecord {
  return [
    view.attempt,
    view.status,
    view.bytes,
    view.total,
    view.tenths,
    view.stalled ? 1 : 0,
    errorRecord(view.error),
    highest,
    started.seq,
    started.at,
    last === started ? 0 : last.seq,
    last.at,
  ];
}

/** The photo as it was kept; silence counts from now on. */
export function photoOf(photoId: string, record: PhotoRecord, nowMs: number): Photo {
  const [attempt, rank, bytes, total, largestTotal, completedAttempt, error, fileName, starts] = record;
  const [, , , , , , , , , endedByHub, opened, stalled, shown] = record;
  return {
    photoId,
    state: {
      attempt,
      rank,
      bytes,
      total,
      largestTotal,
      completedAttempt,
      error: errorOf(error),
      fileName,
      starts,
      endedByHub: endedByHub === 1,
      opened,
    },
    shown: shown === null ? null : photoShownOf(shown),
    stalled: stalled === 1,
    lastEventAtMs: nowMs,
    lastBytesAtMs: nowMs,
    sampledAttempt: 0,
  };
}

function photoShownOf(record: PhotoShownRecord): NonNullable<Photo["shown"]> {
  const [attempt, status, bytes, total, tenths, stalled, error, highest] = record;
  const [, , , , , , , , startedSeq, startedAt, lastSeq, lastAt] = record;
  const view: PhotoView = {
    attempt,
    status,
    bytes,
    total,
    tenths,
    stalled: stalled === 1,
    error: errorOf(error),
  };
  const started: Stamp = { seq: startedSeq, at: startedAt };
  const last = lastSeq === 0 ? started : { seq: lastSeq, at: lastAt };
  return { view, highest, started, last, lastAtMs: LONG_AGO_MS };
}

export function jobRecord({ job, bornSeq, newestSeq, endedUnixMs }: KeptJob): JobRecord {
  const { declared, title, completedHeard, cancelledHeard, ended, shown } = job;
  return [
    bornSeq,
    newestSeq,
    declared.photoCount,
    declared.totalBytes,
    title,
    completedHeard ? 1 : 0,
    cancelledHeard ? 1 : 0,
    ended === null ? null : [ended.status, endedUnixMs ?? 0],
    shown === null ? null : jobShownRecord(shown),
  ];
}

function jobShownRecord({ view, totalsVersion, last }: NonNullable<Job["shown"]>): JobShownRecord {
  const { total, completed, failed, cancelled, active } = view.photos;
  return [
    view.status,
    view.bytes,
    view.total,
    view.tenths,
    view.estimated ? 1 : 0,
    view.remaining,
    [total, completed, failed, cancelled, active],
    view.title,
    totalsVersion,
    last.seq,
    last.at,
  ];
}

function jobShownOf(record: JobShownRecord): NonNullable<Job["shown"]> {
  const [status, bytes, total, tenths, estimated, remaining, counts, title, totalsVersion, seq, at] = record;
  const [photos, completed, failed, cancelled, active] = counts;
  const view: JobView = {
    status,
    bytes,
    total,
    tenths,
    estimated: estimated === 1,
    remaining,
    photos: { total: photos, completed, failed, cancelled, active },
    title,
  };
  return { view, totalsVersion, last: { seq, at }, lastAtMs: LONG_AGO_MS };
}

export function createPackedJob(userId: string, jobId: string, nowMs: number): PackedJob {
  return createJob(userId, jobId, nowMs, new PackedPhotos());
}

/** Puts what was kept into a new job. */
export function jobOf(job: Job, record: JobRecord, timeOf: (unixMs: number) => number): void {
  const [, , photoCount, totalBytes, title, completedHeard, cancelledHeard, ended, shown] = record;
  job.declared = { photoCount, totalBytes };
  job.title = title;
  job.completedHeard = completedHeard === 1;
  job.cancelledHeard = cancelledHeard === 1;
  if (ended !== null) job.ended = { status: ended[0], atMs: timeOf(ended[1]) };
  if (shown !== null) job.shown = jobShownOf(shown);
}

/** Puts a photo that was read into its job, which counts it. */
export function addPhoto(job: Job, photo: Photo): void {
  job.photos.set(photo.photoId, photo);
  job.tally.replace(null, shareOf(photo));
}

/** When something was shown, by what was kept: whatever is to be shown next need not wait. */
export const LONG_AGO_MS = Number.MIN_SAFE_INTEGER;

function errorRecord(error: Photo["state"]["error"]): ErrorRecord {
  return error === null ? null : [error.code, error.message];
}

function errorOf(record: ErrorRecord): Photo["state"]["error"] {
  return record === null ? null : { code: record[0], message: record[1] };
}
