import type { Job, JobShown } from "../../domain/job.ts";
import type { JobStatus, JobView } from "../../domain/job-view.ts";
import type { Photo } from "../../domain/photo-view.ts";
import { KEPT_NUMBERS, NUMBERS, packPhoto, type Rare, unpackPhoto } from "../packed-photo.ts";
import {
  createPackedJob,
  type JobRecord,
  jobOf,
  type KeptJob,
  LONG_AGO_MS,
  type PackedJob,
  photoOf,
} from "../records.ts";

// What is on disk of a photo or a job: a byte, numbers as the machine has them in memory (8 bytes each; NaN: null), and,
// where there is more, a JSON array. What their places mean is the format. One is made for every event: as JSON in whole,
// as formats 1 and 2 have it, it took a third of the engine's time.

/** 2: there may be a journal beside the tables; 3: records may be bytes. */
export const FORMAT = 3;

/** Turns times of the store's clock into Unix time and back. */
export interface Times {
  readonly nowMs: number;
  /** Unix milliseconds at 0 of the store's clock. */
  readonly originUnixMs: number;
}

/** No JSON begins with it. */
const IN_NUMBERS = 1;
const BYTES_A_NUMBER = 8;

type PhotoRest = readonly [fileName: string | null, rare: Rare | null];
type JobRest = readonly [title: string | null, shownTitle: string | null];

// Where the numbers of a job are.
const BORN_SEQ = 0;
const NEWEST_SEQ = 1;
const PHOTO_COUNT = 2;
const TOTAL_BYTES = 3;
const MARKS = 4;
const ENDED_AT = 5;
const BYTES = 6;
const TOTAL = 7;
const TENTHS = 8;
const REMAINING = 9;
const PHOTOS = 10;
const COMPLETED = 11;
const FAILED = 12;
const CANCELLED = 13;
const ACTIVE = 14;
const TOTALS_VERSION = 15;
const LAST_SEQ = 16;
const LAST_AT = 17;
const JOB_NUMBERS = 18;

// What is small shares one of them.
const COMPLETED_HEARD = 1 << 0;
const CANCELLED_HEARD = 1 << 1;
const ESTIMATED = 1 << 2;
const ENDED_SHIFT = 3;
const STATUS_SHIFT = 6;
const STATUS_BITS = 0b111;

const ENDED: readonly (JobStatus | null)[] = [null, "COMPLETED", "PARTIAL", "FAILED", "CANCELLED"];
/** null: nothing is shown. */
const SHOWN: readonly (JobView["status"] | null)[] = [
  null,
  "UPLOADING",
  "COMPLETED",
  "PARTIAL",
  "FAILED",
  "CANCELLED",
];

/** The record that is being made or read; the byte stands before its numbers. */
const memory = new ArrayBuffer(BYTES_A_NUMBER * (1 + JOB_NUMBERS));
const numbers = new Float64Array(memory, BYTES_A_NUMBER);
const bytes = Buffer.from(memory);
const photoNumbers: number[] = [];

/** To be taken over before the next is made: it may lie in the same bytes. */
export function encodePhoto(photo: Photo): Buffer {
  const rare = packPhoto(photoNumbers, 0, photo);
  for (let index = 0; index < KEPT_NUMBERS; index += 1) numbers[index] = photoNumbers[index] ?? Number.NaN;
  const { fileName } = photo.state;
  const rest: PhotoRest | null = fileName === null && rare === null ? null : [fileName, rare];
  return recordOf(KEPT_NUMBERS, rest);
}

/** The photo as it was kept; silence counts from now on. */
export function decodePhoto(photoId: string, record: Buffer, nowMs: number): Photo {
  if (!isInNumbers(record)) return photoOf(photoId, JSON.parse(record.toString()), nowMs);
  const rest: PhotoRest | null = readRecord(record, KEPT_NUMBERS);
  for (let index = 0; index < KEPT_NUMBERS; index += 1) photoNumbers[index] = numberAt(index);
  // A photo in memory has its times behind them.
  for (let index = KEPT_NUMBERS; index < NUMBERS; index += 1) photoNumbers[index] = nowMs;
  const photo = unpackPhoto(photoNumbers, 0, photoId, rest?.[0] ?? null, rest?.[1] ?? null);
  photo.sampledAttempt = 0;
  if (photo.shown !== null) photo.shown = { ...photo.shown, lastAtMs: LONG_AGO_MS };
  return photo;
}

/** To be taken over before the next is made: it may lie in the same bytes. */
export function encodeJob({ job, bornSeq, newestSeq, endedUnixMs }: KeptJob): Buffer {
  const { declared, title, ended, shown } = job;
  numbers[BORN_SEQ] = bornSeq;
  numbers[NEWEST_SEQ] = newestSeq;
  numbers[PHOTO_COUNT] = declared.photoCount ?? Number.NaN;
  numbers[TOTAL_BYTES] = declared.totalBytes ?? Number.NaN;
  numbers[MARKS] = marksOf(job);
  numbers[ENDED_AT] = ended === null ? Number.NaN : (endedUnixMs ?? 0);
  if (shown === null) numbers.fill(Number.NaN, BYTES, JOB_NUMBERS);
  else putShown(shown);
  const shownTitle = shown?.view.title ?? null;
  const rest: JobRest | null = title === null && shownTitle === null ? null : [title, shownTitle];
  return recordOf(JOB_NUMBERS, rest);
}

/** The job as it was kept, without its photos. */
export function decodeJob(
  userId: string,
  jobId: string,
  record: Buffer,
  times: Times,
): KeptJob & { readonly job: PackedJob } {
  const fields: JobRecord = isInNumbers(record) ? jobFields(record) : JSON.parse(record.toString());
  const [bornSeq, newestSeq, , , , , , ended] = fields;
  const job = createPackedJob(userId, jobId, times.nowMs);
  job.version = 1;
  // The wall clock may have been put back since.
  jobOf(job, fields, (unixMs) => Math.min(times.nowMs, unixMs - times.originUnixMs));
  return { job, bornSeq, newestSeq, endedUnixMs: ended?.[1] ?? null };
}

function marksOf({ completedHeard, cancelledHeard, ended, shown }: Job): number {
  let marks = 0;
  if (completedHeard) marks |= COMPLETED_HEARD;
  if (cancelledHeard) marks |= CANCELLED_HEARD;
  if (shown?.view.estimated) marks |= ESTIMATED;
  marks |= ENDED.indexOf(ended?.status ?? null) << ENDED_SHIFT;
  marks |= SHOWN.indexOf(shown?.view.status ?? null) << STATUS_SHIFT;
  return marks;
}

function putShown({ view, totalsVersion, last }: JobShown): void {
  const { photos } = view;
  numbers[BYTES] = view.bytes;
  numbers[TOTAL] = view.total ?? Number.NaN;
  numbers[TENTHS] = view.tenths ?? Number.NaN;
  numbers[REMAINING] = view.remaining ?? Number.NaN;
  numbers[PHOTOS] = photos.total;
  numbers[COMPLETED] = photos.completed;
  numbers[FAILED] = photos.failed;
  numbers[CANCELLED] = photos.cancelled;
  numbers[ACTIVE] = photos.active;
  numbers[TOTALS_VERSION] = totalsVersion;
  numbers[LAST_SEQ] = last.seq;
  numbers[LAST_AT] = last.at;
}

function jobFields(record: Buffer): JobRecord {
  const rest: JobRest | null = readRecord(record, JOB_NUMBERS);
  const marks = numberAt(MARKS);
  const ended = ENDED[(marks >> ENDED_SHIFT) & STATUS_BITS] ?? null;
  const status = SHOWN[(marks >> STATUS_SHIFT) & STATUS_BITS] ?? null;
  return [
    numberAt(BORN_SEQ),
    numberAt(NEWEST_SEQ),
    knownAt(PHOTO_COUNT),
    knownAt(TOTAL_BYTES),
    rest?.[0] ?? null,
    marks & COMPLETED_HEARD ? 1 : 0,
    marks & CANCELLED_HEARD ? 1 : 0,
    ended === null ? null : [ended, numberAt(ENDED_AT)],
    status === null
      ? null
      : [
          status,
          numberAt(BYTES),
          knownAt(TOTAL),
          knownAt(TENTHS),
          marks & ESTIMATED ? 1 : 0,
          knownAt(REMAINING),
          [numberAt(PHOTOS), numberAt(COMPLETED), numberAt(FAILED), numberAt(CANCELLED), numberAt(ACTIVE)],
          rest?.[1] ?? null,
          numberAt(TOTALS_VERSION),
          numberAt(LAST_SEQ),
          numberAt(LAST_AT),
        ],
  ];
}

/** Of the first `count` numbers. */
function recordOf(count: number, rest: readonly unknown[] | null): Buffer {
  bytes[BYTES_A_NUMBER - 1] = IN_NUMBERS;
  const record = bytes.subarray(BYTES_A_NUMBER - 1, BYTES_A_NUMBER * (1 + count));
  return rest === null ? record : Buffer.concat([record, Buffer.from(JSON.stringify(rest))]);
}

/** Puts its numbers where they are looked for, and gives the rest. */
function readRecord<Rest>(record: Buffer, count: number): Rest | null {
  const end = 1 + BYTES_A_NUMBER * count;
  // What is missing would be read of the record before.
  if (record.length < end) throw new Error("a record is cut short");
  record.copy(bytes, BYTES_A_NUMBER, 1, end);
  return record.length > end ? JSON.parse(record.toString("utf8", end)) : null;
}

function isInNumbers(record: Buffer): boolean {
  return record[0] === IN_NUMBERS;
}

function knownAt(index: number): number | null {
  const value = numberAt(index);
  return Number.isNaN(value) ? null : value;
}

function numberAt(index: number): number {
  return numbers[index] ?? Number.NaN;
}
