import type { UploadError } from "../domain/events.ts";
import { CANCELLED, COMPLETED, FAILED, type Rank, UPLOADING } from "../domain/photo.ts";
import type { Photo, PhotoStatus, Stamp } from "../domain/photo-view.ts";

// A photo in 14 numbers of an array, which takes a third of what objects do. All of them fit: integers to 2^53-1, and times.

type PhotoShown = NonNullable<Photo["shown"]>;

/** What few photos have, beside their numbers. */
export interface Rare {
  readonly error: UploadError | null;
  readonly shownError: UploadError | null;
  /** null: none, or one, which is a number like the others. */
  readonly starts: readonly number[] | null;
  /** null: all of them are small. */
  readonly attempts: Attempts | null;
}

/** `state`'s: attempt, completedAttempt, opened; the photo's: sampledAttempt; the shown view's: attempt. */
type Attempts = readonly [number, number, number, number, number];

// Where the numbers of a photo are, from its first. NaN is null: no number of a photo is ever NaN.
const MARKS = 0;
const START = 1;
const BYTES = 2;
const TOTAL = 3;
const LARGEST_TOTAL = 4;
const SHOWN_BYTES = 5;
const SHOWN_TOTAL = 6;
const STARTED_SEQ = 7;
const STARTED_AT = 8;
const LAST_SEQ = 9;
const LAST_AT = 10;
/** So many are kept on disk too, where their meaning is a format; those from here on are times of this process. */
export const KEPT_NUMBERS = 11;
const SHOWN_AT = 11;
const LAST_EVENT_AT = 12;
const LAST_BYTES_AT = 13;
/** How many of them a photo has. */
export const NUMBERS = 14;

// What is small shares one number: below, bits; above, the attempts, four bits each, which makes 50 of 53.
const RANK_BITS = 0b11;
const STATUS_SHIFT = 2;
const STATUS_BITS = 0b111;
const ENDED_BY_HUB = 1 << 5;
const STALLED = 1 << 6;
const SHOWN_STALLED = 1 << 7;
const NOTHING_AFTER_STARTED = 1 << 8;
const IS_RARE = 1 << 9;
const TENTHS_SHIFT = 10;
const HIGHEST_SHIFT = 20;
const TENTHS_BITS = 0x3ff;
/** No percent is as high. */
const NO_TENTHS = TENTHS_BITS;
const ATTEMPTS_UNIT = 2 ** 30;
const ATTEMPT_BITS = 4;
const SMALL_ATTEMPT = 15;

const RANKS: readonly Rank[] = [UPLOADING, CANCELLED, FAILED, COMPLETED];
/** 0: nothing is shown. */
const STATUSES: readonly (PhotoStatus | null)[] = [
  null,
  "UPLOADING",
  "PROCESSING",
  "COMPLETED",
  "FAILED",
  "CANCELLED",
];

/** Writes the photo into `numbers`, from `from` on; gives what does not go there, null: nothing. Nor do its id and file name. */
export function packPhoto(numbers: number[], from: number, photo: Photo): Rare | null {
  const { state, shown } = photo;
  const packed = packedAttempts(photo);
  const rare = rareOf(photo, packed);
  // One after the other, so that V8 keeps the array as bare doubles without holes.
  numbers[from + MARKS] = marksOf(photo, packed ?? 0, rare !== null);
  numbers[from + START] = (state.starts?.length === 1 ? state.starts[0] : undefined) ?? Number.NaN;
  numbers[from + BYTES] = state.bytes;
  numbers[from + TOTAL] = state.total ?? Number.NaN;
  numbers[from + LARGEST_TOTAL] = state.largestTotal ?? Number.NaN;
  numbers[from + SHOWN_BYTES] = shown?.view.bytes ?? Number.NaN;
  numbers[from + SHOWN_TOTAL] = shown?.view.total ?? Number.NaN;
  numbers[from + STARTED_SEQ] = shown?.started.seq ?? Number.NaN;
  numbers[from + STARTED_AT] = shown?.started.at ?? Number.NaN;
  numbers[from + LAST_SEQ] = shown?.last.seq ?? Number.NaN;
  numbers[from + LAST_AT] = shown?.last.at ?? Number.NaN;
  numbers[from + SHOWN_AT] = shown?.lastAtMs ?? Number.NaN;
  numbers[from + LAST_EVENT_AT] = photo.lastEventAtMs;
  numbers[from + LAST_BYTES_AT] = photo.lastBytesAtMs;
  return rare;
}

/** The photo that was written there; `rare`: what was given then. */
export function unpackPhoto(
  numbers: readonly number[],
  from: number,
  photoId: string,
  fileName: string | null,
  rare: Rare | null,
): Photo {
  const marks = numberAt(numbers, from + MARKS);
  const packed = Math.floor(marks / ATTEMPTS_UNIT);
  const bits = marks - packed * ATTEMPTS_UNIT;
  const attempts = rare?.attempts ?? null;
  const status = STATUSES[(bits >> STATUS_SHIFT) & STATUS_BITS] ?? null;
  const start = knownAt(numbers, from + START);
  return {
    photoId,
    state: {
      attempt: attempts?.[0] ?? smallAttempt(packed, 4),
      rank: RANKS[bits & RANK_BITS] ?? UPLOADING,
      bytes: numberAt(numbers, from + BYTES),
      total: knownAt(numbers, from + TOTAL),
      largestTotal: knownAt(numbers, from + LARGEST_TOTAL),
      completedAttempt: attempts?.[1] ?? smallAttempt(packed, 3),
      error: rare?.error ?? null,
      fileName,
      starts: rare?.starts ?? (start === null ? null : [start]),
      endedByHub: (bits & ENDED_BY_HUB) !== 0,
      opened: attempts?.[2] ?? smallAttempt(packed, 2),
    },
    shown:
      status === null
        ? null
        : shownAt(numbers, from, bits, status, attempts?.[4] ?? smallAttempt(packed, 0), rare),
    stalled: (bits & STALLED) !== 0,
    lastEventAtMs: numberAt(numbers, from + LAST_EVENT_AT),
    lastBytesAtMs: numberAt(numbers, from + LAST_BYTES_AT),
    sampledAttempt: attempts?.[3] ?? smallAttempt(packed, 1),
  };
}

/** Whether something was given when the photo was written there. */
export function isRareAt(numbers: readonly number[], from: number): boolean {
  return (bitsAt(numbers, from) & IS_RARE) !== 0;
}

/** The number of a message that stands of the photo; null: there is none such. */
export function seqAt(numbers: readonly number[], from: number, part: "started" | "last"): number | null {
  const bits = bitsAt(numbers, from);
  if (((bits >> STATUS_SHIFT) & STATUS_BITS) === 0) return null;
  if (part === "started") return numberAt(numbers, from + STARTED_SEQ);
  return (bits & NOTHING_AFTER_STARTED) === 0 ? numberAt(numbers, from + LAST_SEQ) : null;
}

function shownAt(
  numbers: readonly number[],
  from: number,
  bits: number,
  status: PhotoStatus,
  attempt: number,
  rare: Rare | null,
): PhotoShown {
  const tenths = (bits >> TENTHS_SHIFT) & TENTHS_BITS;
  const started = stampAt(numbers, from + STARTED_SEQ, from + STARTED_AT);
  return {
    view: {
      attempt,
      status,
      bytes: numberAt(numbers, from + SHOWN_BYTES),
      total: knownAt(numbers, from + SHOWN_TOTAL),
      tenths: tenths === NO_TENTHS ? null : tenths,
      stalled: (bits & SHOWN_STALLED) !== 0,
      error: rare?.shownError ?? null,
    },
    highest: (bits >> HIGHEST_SHIFT) & TENTHS_BITS,
    started,
    // That nothing followed `upload_started` is told by their being one.
    last: (bits & NOTHING_AFTER_STARTED) === 0 ? stampAt(numbers, from + LAST_SEQ, from + LAST_AT) : started,
    lastAtMs: numberAt(numbers, from + SHOWN_AT),
  };
}

function rareOf(photo: Photo, packed: number | null): Rare | null {
  const { state, shown } = photo;
  const isOneStart = state.starts === null || state.starts.length === 1;
  const shownError = shown?.view.error ?? null;
  if (packed !== null && isOneStart && state.error === null && shownError === null) return null;
  return {
    error: state.error,
    shownError,
    starts: isOneStart ? null : state.starts,
    attempts: packed === null ? attemptsOf(photo) : null,
  };
}

function marksOf({ state, shown, stalled }: Photo, packed: number, isRare: boolean): number {
  let bits = RANKS.indexOf(state.rank);
  if (state.endedByHub) bits |= ENDED_BY_HUB;
  if (stalled) bits |= STALLED;
  if (isRare) bits |= IS_RARE;
  if (shown !== null) {
    bits |= STATUSES.indexOf(shown.view.status) << STATUS_SHIFT;
    bits |= (shown.view.tenths ?? NO_TENTHS) << TENTHS_SHIFT;
    bits |= shown.highest << HIGHEST_SHIFT;
    if (shown.view.stalled) bits |= SHOWN_STALLED;
    if (shown.last === shown.started) bits |= NOTHING_AFTER_STARTED;
  }
  return packed * ATTEMPTS_UNIT + bits;
}

function attemptsOf({ state, shown, sampledAttempt }: Photo): Attempts {
  return [state.attempt, state.completedAttempt, state.opened, sampledAttempt, shown?.view.attempt ?? 0];
}

/** In the order of `Attempts`; null: one of them is not small. */
function packedAttempts({ state, shown, sampledAttempt }: Photo): number | null {
  const { attempt, completedAttempt, opened } = state;
  const shownAttempt = shown?.view.attempt ?? 0;
  const largest = Math.max(attempt, completedAttempt, opened, sampledAttempt, shownAttempt);
  if (largest > SMALL_ATTEMPT) return null;
  const ofState = (((attempt << ATTEMPT_BITS) | completedAttempt) << ATTEMPT_BITS) | opened;
  return (((ofState << ATTEMPT_BITS) | sampledAttempt) << ATTEMPT_BITS) | shownAttempt;
}

/** The one that so many follow. */
function smallAttempt(packed: number, place: number): number {
  return (packed >> (place * ATTEMPT_BITS)) & SMALL_ATTEMPT;
}

function bitsAt(numbers: readonly number[], from: number): number {
  return numberAt(numbers, from + MARKS) % ATTEMPTS_UNIT;
}

function stampAt(numbers: readonly number[], seqIndex: number, atIndex: number): Stamp {
  return { seq: numberAt(numbers, seqIndex), at: numberAt(numbers, atIndex) };
}

function knownAt(numbers: readonly number[], index: number): number | null {
  const value = numberAt(numbers, index);
  return Number.isNaN(value) ? null : value;
}

function numberAt(numbers: readonly number[], index: number): number {
  return numbers[index] ?? Number.NaN;
}
