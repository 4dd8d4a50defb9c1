import type { UploadError } from "./events.ts";
import { ALMOST_DONE, DONE, type Tenths, tenthsOf } from "./percent.ts";
import { CANCELLED, COMPLETED, FAILED, isSettled, type PhotoState, totalOf, UPLOADING } from "./photo.ts";

export type PhotoStatus = "UPLOADING" | "PROCESSING" | "COMPLETED" | "FAILED" | "CANCELLED";

/** When and under which number something was shown. */
export interface Stamp {
  /** Given by the store when it commits; 0 before. */
  seq: number;
  /** Wall clock, Unix milliseconds. */
  readonly at: number;
}

/** What a message says of a photo. */
export interface PhotoView {
  readonly attempt: number;
  readonly status: PhotoStatus;
  readonly bytes: number;
  readonly total: number | null;
  /** null: the total is unknown. */
  readonly tenths: Tenths | null;
  readonly stalled: boolean;
  readonly error: UploadError | null;
}

/** What clients have been told of a photo. Replaced whole each time something is shown. */
interface PhotoShown {
  readonly view: PhotoView;
  /** Highest percent ever shown, in any attempt; what is shown never falls below it (rule 8). */
  readonly highest: Tenths;
  /** The attempt's `upload_started`. */
  readonly started: Stamp;
  /** The newest message; `started` itself where nothing followed it. */
  readonly last: Stamp;
  /** Monotonic milliseconds of the newest message: conflation counts from here. */
  readonly lastAtMs: number;
}

/** What there is to show, and whether it may wait for the interval. */
export interface PhotoDue {
  /** The present view, which is to be shown. */
  readonly view: PhotoView;
  readonly started: boolean;
  readonly last: boolean;
  readonly urgent: boolean;
}

/** A photo as the engine keeps it. Times are monotonic milliseconds. */
export interface Photo {
  readonly photoId: string;
  state: PhotoState;
  /** null: nothing shown yet. */
  shown: PhotoShown | null;
  stalled: boolean;
  /** Of the newest event, also one that changed nothing: expiry counts from here. */
  lastEventAtMs: number;
  /** Of the newest change of bytes or attempt, or the end of processing: stall counts from here. */
  lastBytesAtMs: number;
  /** The attempt that has a first sample for the rate; 0: none. */
  sampledAttempt: number;
}

/** The present view; an ending that was shown stays as it was shown, so that whoever comes later sees the same. */
export function viewOf(photo: Photo): PhotoView {
  const { state, shown, stalled } = photo;
  if (shown !== null && isFrozen(state, shown)) return shown.view;
  const bytes = shownBytes(state);
  return {
    // Nothing leaves completed: attempts heard of beside it are not told, unless they were before.
    attempt:
      state.rank === COMPLETED ? Math.max(state.completedAttempt, shown?.view.attempt ?? 0) : state.attempt,
    status: statusOf(state),
    bytes,
    total: totalOf(state),
    tenths: percentOf(state, bytes, shown?.highest ?? 0),
    stalled: stalled && isStallable(state),
    error: state.error,
  };
}

/** What has to be told about the photo; null: nothing. */
export function dueOf(photo: Photo): PhotoDue | null {
  const { state, shown } = photo;
  if (shown !== null && isFrozen(state, shown)) return null;
  const view = viewOf(photo);
  if (shown === null || view.attempt > shown.view.attempt) {
    return { view, started: true, last: saysMoreThanStarted(state), urgent: true };
  }
  const before = shown.view;
  if (view.status !== before.status || view.stalled !== before.stalled) {
    return { view, started: false, last: true, urgent: true };
  }
  if (view.bytes !== before.bytes || view.total !== before.total || view.tenths !== before.tenths) {
    return { view, started: false, last: true, urgent: false };
  }
  return null;
}

/** What the photo adds to its job: an ending as it was shown, else the present. */
export function shareOf(
  photo: Photo,
): Pick<PhotoView, "bytes" | "total"> & { readonly rank: PhotoState["rank"] } {
  const { state, shown } = photo;
  if (shown !== null && isFrozen(state, shown)) {
    return { rank: state.rank, bytes: shown.view.bytes, total: shown.view.total };
  }
  return { rank: state.rank, bytes: shownBytes(state), total: totalOf(state) };
}

/** All bytes in, not completed: never stalled (rules 6, 10). */
export function isStallable(state: PhotoState): boolean {
  return state.rank === UPLOADING && !isAllIn(state);
}

/** `upload_started` made of the same view: uploading, below the end (rule 9). */
export function startedView(view: PhotoView): PhotoView {
  const tenths = view.tenths === null ? null : Math.min(view.tenths, ALMOST_DONE);
  return { ...view, status: "UPLOADING", tenths, stalled: false, error: null };
}

const STATUS_OF_RANK = { [COMPLETED]: "COMPLETED", [FAILED]: "FAILED", [CANCELLED]: "CANCELLED" } as const;

function statusOf(state: PhotoState): PhotoStatus {
  if (state.rank === UPLOADING) return isAllIn(state) ? "PROCESSING" : "UPLOADING";
  return STATUS_OF_RANK[state.rank];
}

/** The ending shown is the one the photo still has. Nothing leaves `COMPLETED`, whatever attempts are heard of later. */
function isFrozen(state: PhotoState, shown: PhotoShown): boolean {
  if (!isSettled(state) || shown.view.status !== statusOf(state)) return false;
  return state.rank === COMPLETED || state.attempt === shown.view.attempt;
}

function isAllIn(state: PhotoState): boolean {
  const total = totalOf(state);
  return total !== null && state.bytes >= total;
}

function shownBytes(state: PhotoState): number {
  const total = totalOf(state);
  if (total === null) return state.bytes;
  return state.rank === COMPLETED ? total : Math.min(state.bytes, total);
}

function percentOf(state: PhotoState, bytes: number, highest: Tenths): Tenths | null {
  if (state.rank === COMPLETED) return DONE;
  const total = totalOf(state);
  return total === null ? null : Math.max(highest, tenthsOf(bytes, total));
}

function saysMoreThanStarted(state: PhotoState): boolean {
  return isSettled(state) || state.bytes > 0 || isAllIn(state);
}
