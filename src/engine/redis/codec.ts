import type { Job } from "../../domain/job.ts";
import type { Photo, Stamp } from "../../domain/photo-view.ts";
import { Rate, type RateRecord } from "../../domain/rate.ts";
import {
  createPackedJob,
  type JobRecord,
  jobOf,
  jobRecord,
  type KeptJob,
  type PackedJob,
  type PhotoRecord,
  photoOf,
  photoRecord,
} from "../records.ts";

// A photo is kept as `<number of its start> <number of its newest message> <JSON>`, a job as `<number> <JSON>`: numbers
// are put in by the script that commits. Beside what a disk keeps there are the times, since all hubs share a clock.

type StoredPhoto = readonly [
  record: PhotoRecord,
  lastEventAtMs: number,
  lastBytesAtMs: number,
  sampledAttempt: number,
  shownAtMs: number,
];

type StoredJob = readonly [
  record: JobRecord,
  lastEventAtMs: number,
  lastEndingAtMs: number,
  shownAtMs: number,
  rate: RateRecord,
];

/** The number of a stamp for the script: its own, or (-k) that of the k-th message of the change. */
export type NumberOf = (stamp: Stamp) => number;

/** The three arguments of a photo that follow its id. */
export function photoArguments(photo: Photo, numberOf: NumberOf): readonly [string, string, string] {
  const { shown } = photo;
  const stored: StoredPhoto = [
    photoRecord(photo),
    Math.floor(photo.lastEventAtMs),
    Math.floor(photo.lastBytesAtMs),
    photo.sampledAttempt,
    Math.floor(shown?.lastAtMs ?? 0),
  ];
  const [started, last] = shown === null ? [0, 0] : [numberOf(shown.started), numberOf(shown.last)];
  return [String(started), String(last === started ? 0 : last), JSON.stringify(stored)];
}

export function photoFrom(photoId: string, text: string): Photo {
  const first = text.indexOf(" ");
  const second = text.indexOf(" ", first + 1);
  const [record, lastEventAtMs, lastBytesAtMs, sampledAttempt, lastAtMs]: StoredPhoto = JSON.parse(
    text.slice(second + 1),
  );
  const photo = photoOf(photoId, record, lastEventAtMs);
  photo.lastBytesAtMs = lastBytesAtMs;
  photo.sampledAttempt = sampledAttempt;
  if (photo.shown === null) return photo;
  const started: Stamp = { seq: Number(text.slice(0, first)), at: photo.shown.started.at };
  const lastSeq = Number(text.slice(first + 1, second));
  const last: Stamp = lastSeq === 0 ? started : { seq: lastSeq, at: record[12]?.[11] ?? 0 };
  photo.shown = { ...photo.shown, started, last, lastAtMs };
  return photo;
}

/** The two arguments of a job. */
export function jobArguments(job: Job, numberOf: NumberOf): readonly [string, string] {
  const kept: KeptJob = { job, bornSeq: 0, newestSeq: 0, endedUnixMs: endedMs(job) };
  const stored: StoredJob = [
    jobRecord(kept),
    Math.floor(job.lastEventAtMs),
    Math.floor(job.lastEndingAtMs),
    Math.floor(job.shown?.lastAtMs ?? 0),
    job.rate.record,
  ];
  return [String(job.shown === null ? 0 : numberOf(job.shown.last)), JSON.stringify(stored)];
}

/** Milliseconds, as they are kept; null: it has not ended. */
export function endedMs({ ended }: Job): number | null {
  return ended === null ? null : Math.floor(ended.atMs);
}

/** The job without its photos. */
export function jobFrom(userId: string, jobId: string, version: number, text: string): PackedJob {
  const space = text.indexOf(" ");
  const [record, lastEventAtMs, lastEndingAtMs, lastAtMs, rate]: StoredJob = JSON.parse(
    text.slice(space + 1),
  );
  const job = createPackedJob(userId, jobId, lastEventAtMs);
  jobOf(job, record, (unixMs) => unixMs);
  job.version = version;
  job.lastEndingAtMs = lastEndingAtMs;
  job.rate.become(Rate.of(rate));
  if (job.shown !== null) {
    job.shown = { ...job.shown, last: { ...job.shown.last, seq: Number(text.slice(0, space)) }, lastAtMs };
  }
  return job;
}
