import { MAX_NUMBER, type PhotoEvent, type UploadError } from "./events.ts";

/** How far an attempt is. A greater rank wins; `COMPLETED` of any attempt is the top. */
export const UPLOADING = 1;
export const CANCELLED = 2;
export const FAILED = 3;
export const COMPLETED = 4;
export type Rank = typeof UPLOADING | typeof CANCELLED | typeof FAILED | typeof COMPLETED;

/**
 * Everything heard of one photo, joined: commutative, associative, idempotent over events that carry attempt
 * numbers (progress-rules.md 1). Immutable; `mergePhoto` gives the same object back when nothing changed.
 */
export interface PhotoState {
  /** The hub's number of the attempt, from 1. */
  readonly attempt: number;
  readonly rank: Rank;
  /** Greatest number of bytes heard of this attempt. */
  readonly bytes: number;
  /** Greatest total heard of this attempt; null: not heard. See `totalOf`. */
  readonly total: number | null;
  /** Greatest total heard of any attempt; null: unknown. */
  readonly largestTotal: number | null;
  /** Greatest attempt that was heard to be completed; 0: none. */
  readonly completedAttempt: number;
  /** Why it failed; null otherwise. */
  readonly error: UploadError | null;
  /** Of any attempt; null: never heard. */
  readonly fileName: string | null;
  /** Hashes of the last `started` events, newest last (rule 4); null: none yet. */
  readonly starts: readonly number[] | null;
  /** The ending was made by the hub: more bytes, or `started`, open the next attempt (rule 10). */
  readonly endedByHub: boolean;
  /** Attempts that the hub opened by itself: what a producer calls n is n + this here. */
  readonly opened: number;
}

const MAX_STARTS = 8;

/** What an event says of an attempt, before it is joined. */
interface Word {
  readonly attempt: number;
  readonly rank: Rank;
  readonly bytes: number;
  readonly total: number | null;
  readonly error: UploadError | null;
}

/** Joins an event into what is known; `state` null: the photo's first event. */
export function mergePhoto(state: PhotoState | null, event: PhotoEvent): PhotoState {
  if (state === null) return firstState(event);
  const known = event.type === "photo.upload.started" ? noteStart(state, event) : { state, seen: false };
  const opened = openAttempt(known.state, event, known.seen);
  const current = withFileName(opened, event);
  const word = wordOf(event, attemptOf(current, event));
  return join(withAnyAttempt(current, word), word);
}

/**
 * An ending made by the hub itself: no event for too long, or the job ended around it (rules 10, 14). More bytes open
 * the next attempt. Changes nothing on a settled photo.
 */
export function failByHub(state: PhotoState, error: UploadError): PhotoState {
  return isSettled(state) ? state : stateWith(state, { rank: FAILED, error, endedByHub: true });
}

/** The whole job was cancelled, and this photo with it (rule 14). Changes nothing on a settled photo. */
export function cancelWithJob(state: PhotoState): PhotoState {
  return isSettled(state) ? state : stateWith(state, { rank: CANCELLED, error: null });
}

/** What the photo weighs: a retry that does not say its total is taken to have the one known before. */
export function totalOf(state: PhotoState): number | null {
  return state.total ?? state.largestTotal;
}

export function isSettled(state: PhotoState): boolean {
  return state.rank !== UPLOADING;
}

/** 31-bit hash of what names an event (CloudEvents `source` + `id`). */
function eventHash(source: string, id: string): number {
  let hash = 0x811c9dc5;
  for (const text of [source, "\n", id]) {
    for (let index = 0; index < text.length; index += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    }
  }
  return (hash >>> 0) & 0x7fffffff;
}

function firstState(event: PhotoEvent): PhotoState {
  const word = wordOf(event, event.attempt ?? 1);
  const started = event.type === "photo.upload.started";
  return {
    attempt: word.attempt,
    rank: word.rank,
    bytes: word.bytes,
    total: word.total,
    largestTotal: word.total,
    completedAttempt: word.rank === COMPLETED ? word.attempt : 0,
    error: word.error,
    fileName: started ? event.fileName : null,
    starts: started ? [eventHash(event.source, event.id)] : null,
    endedByHub: false,
    opened: 0,
  };
}

/** Remembers a `started`, so that its second delivery is known as one (rule 4). */
function noteStart(state: PhotoState, event: PhotoEvent): { state: PhotoState; seen: boolean } {
  const hash = eventHash(event.source, event.id);
  const starts = state.starts ?? [];
  if (starts.includes(hash)) return { state, seen: true };
  return { state: stateWith(state, { starts: [...starts.slice(1 - MAX_STARTS), hash] }), seen: false };
}

/**
 * Rule 4: `started` without a number, heard after failed or cancelled, opens the next attempt. Rule 10: after an
 * ending made by the hub, so does any `started`, and so do more bytes; a producer that counts attempts still calls it
 * by the old number, hence `opened`.
 */
function openAttempt(state: PhotoState, event: PhotoEvent, seen: boolean): PhotoState {
  if (state.rank !== FAILED && state.rank !== CANCELLED) return state;
  const sameAttempt = event.attempt === null || event.attempt + state.opened === state.attempt;
  const started = event.type === "photo.upload.started" && !seen;
  const moved = event.type === "photo.upload.progressed" && event.bytesTransferred > state.bytes;
  if (state.endedByHub && sameAttempt && (started || moved)) {
    return fresh(state, state.attempt + 1, state.opened + 1);
  }
  return started && event.attempt === null ? fresh(state, state.attempt + 1, state.opened) : state;
}

function fresh(state: PhotoState, attempt: number, opened: number): PhotoState {
  return stateWith(state, {
    attempt: Math.min(attempt, MAX_NUMBER),
    rank: UPLOADING,
    bytes: 0,
    total: null,
    error: null,
    endedByHub: false,
    opened,
  });
}

function attemptOf(state: PhotoState, event: PhotoEvent): number {
  return event.attempt === null ? state.attempt : Math.min(event.attempt + state.opened, MAX_NUMBER);
}

function withFileName(state: PhotoState, event: PhotoEvent): PhotoState {
  if (event.type !== "photo.upload.started" || event.fileName === null) return state;
  const fileName = smallest(state.fileName, event.fileName);
  return fileName === state.fileName ? state : stateWith(state, { fileName });
}

/** What counts of every attempt, also an older one. */
function withAnyAttempt(state: PhotoState, word: Word): PhotoState {
  const largestTotal = greatestKnown(state.largestTotal, word.total);
  const completedAttempt = Math.max(state.completedAttempt, word.rank === COMPLETED ? word.attempt : 0);
  if (largestTotal === state.largestTotal && completedAttempt === state.completedAttempt) return state;
  return stateWith(state, { largestTotal, completedAttempt });
}

function wordOf(event: PhotoEvent, attempt: number): Word {
  switch (event.type) {
    case "photo.upload.started":
      return { attempt, rank: UPLOADING, bytes: 0, total: event.totalBytes, error: null };
    case "photo.upload.progressed":
      return {
        attempt,
        rank: UPLOADING,
        bytes: event.bytesTransferred,
        total: event.totalBytes,
        error: null,
      };
    case "photo.upload.completed":
      return { attempt, rank: COMPLETED, bytes: 0, total: event.totalBytes, error: null };
    case "photo.upload.failed":
      return { attempt, rank: FAILED, bytes: 0, total: null, error: event.error };
    case "photo.upload.cancelled":
      return { attempt, rank: CANCELLED, bytes: 0, total: null, error: null };
  }
}

function join(state: PhotoState, word: Word): PhotoState {
  const completed = state.rank === COMPLETED || word.rank === COMPLETED;
  if (word.attempt < state.attempt) {
    return completed && state.rank !== COMPLETED ? complete(state) : state;
  }
  if (word.attempt > state.attempt) {
    const { bytes, total, rank, error } = word;
    const next = stateWith(fresh(state, word.attempt, state.opened), { bytes, total });
    return completed ? complete(next) : stateWith(next, { rank, error });
  }
  const rank = completed ? COMPLETED : greater(state.rank, word.rank);
  const bytes = Math.max(state.bytes, word.bytes);
  const total = greatestKnown(state.total, word.total);
  const error = errorAt(rank, state, word);
  // A producer's own word takes the place of an ending that the hub had to guess.
  const endedByHub = state.endedByHub && word.rank < state.rank;
  if (
    rank === state.rank &&
    bytes === state.bytes &&
    total === state.total &&
    error === state.error &&
    endedByHub === state.endedByHub
  ) {
    return state;
  }
  const next = copyOf(state);
  next.rank = rank;
  next.bytes = bytes;
  next.total = total;
  next.error = error;
  next.endedByHub = endedByHub;
  return next;
}

function stateWith(state: PhotoState, changed: Partial<PhotoState>): PhotoState {
  return Object.assign(copyOf(state), changed);
}

/** Field by field, in the order of `firstState`: of a spread that fields follow V8 makes a hidden class for each object. */
function copyOf(state: PhotoState): { -readonly [Name in keyof PhotoState]: PhotoState[Name] } {
  return {
    attempt: state.attempt,
    rank: state.rank,
    bytes: state.bytes,
    total: state.total,
    largestTotal: state.largestTotal,
    completedAttempt: state.completedAttempt,
    error: state.error,
    fileName: state.fileName,
    starts: state.starts,
    endedByHub: state.endedByHub,
    opened: state.opened,
  };
}

function complete(state: PhotoState): PhotoState {
  return stateWith(state, { rank: COMPLETED, error: null, endedByHub: false });
}

function errorAt(rank: Rank, state: PhotoState, word: Word): UploadError | null {
  if (rank !== FAILED) return null;
  if (word.rank !== rank) return state.error;
  if (state.rank !== rank || state.endedByHub) return word.error;
  return smallestError(state.error, word.error);
}

function smallestError(left: UploadError | null, right: UploadError | null): UploadError | null {
  if (left === null || right === null) return left ?? right;
  const order = compare(left.code, right.code) || compare(left.message, right.message);
  return order <= 0 ? left : right;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function greater(left: Rank, right: Rank): Rank {
  return left > right ? left : right;
}

/** The smaller of two texts; null is no text. A tie between events is settled this way, whatever their order. */
export function smallest(left: string | null, right: string | null): string | null {
  if (left === null || right === null) return left ?? right;
  return left < right ? left : right;
}

/** The greater of two numbers; null is unknown. */
export function greatestKnown(left: number | null, right: number | null): number | null {
  if (left === null || right === null) return left ?? right;
  return Math.max(left, right);
}
