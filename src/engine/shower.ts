import type { Job, JobShown } from "../domain/job.ts";
import { isEndShown, type JobView, jobViewOf, totalsVersionOf } from "../domain/job-view.ts";
import {
  encodeJobMessage,
  encodePhotoMessage,
  type MessageType,
  photoMessageType,
} from "../domain/messages.ts";
import type { Tenths } from "../domain/percent.ts";
import {
  type Photo,
  type PhotoDue,
  type PhotoView,
  type Stamp,
  startedView,
  viewOf,
} from "../domain/photo-view.ts";
import type { OutMessage } from "./contract.ts";
import { formatEventId } from "./event-id.ts";
import type { UserState } from "./memory-store.ts";
import type { ShownEntry } from "./shown-log.ts";

/** The time of one flush, on both clocks. */
export interface Now {
  readonly monotonicMs: number;
  readonly unixMs: number;
  /** True: a deadline makes what is shown now, and no event. */
  readonly byHub: boolean;
}

/**
 * Turns state into messages: shows it for the first time (a new `seq`, in the order of the calls), or makes again what
 * was shown (`replay`). The only place where messages are encoded.
 */
export class Shower {
  readonly #epoch: string;

  constructor(epoch: string) {
    this.#epoch = epoch;
  }

  /** Shows what is due of a photo: its `upload_started`, its newest state, or both. */
  showPhoto(user: UserState, job: Job, photo: Photo, due: PhotoDue, now: Now): readonly OutMessage[] {
    const view = viewOf(photo);
    const before = photo.shown;
    const started = due.started || before === null ? this.#stamp(user, now) : before.started;
    const last = due.last ? this.#stamp(user, now) : started;
    const highest = Math.max(before?.highest ?? 0, view.tenths ?? 0);
    photo.shown = { view, highest, started, last, lastAtMs: now.monotonicMs };
    const eventAtMs = now.byHub ? 0 : photo.lastEventAtMs;
    const messages: OutMessage[] = [];
    if (due.started) {
      user.log.append({ seq: started.seq, job, photo, part: "started" });
      messages.push(this.#photoStarted(job, photo, view, started, eventAtMs));
    }
    if (due.last) {
      user.log.append({ seq: last.seq, job, photo, part: "last" });
      messages.push(this.#photoLast(job, photo, view, last, eventAtMs));
    }
    return messages;
  }

  showJob(user: UserState, job: Job, view: JobView, now: Now): OutMessage {
    const totalsVersion = totalsVersionOf(job, view);
    const last = this.#stamp(user, now);
    job.shown = { view, totalsVersion, last, lastAtMs: now.monotonicMs };
    user.log.append({ seq: last.seq, job, photo: null, part: "last" });
    return this.#job(job, { view, totalsVersion, last }, now, now.byHub ? 0 : job.lastEventAtMs);
  }

  /** The message of something shown before, made from the present state; null: nothing is shown of it. */
  replay({ job, photo, part }: ShownEntry, now: Now): OutMessage | null {
    if (photo === null) return this.replayJob(job, now);
    if (photo.shown === null) return null;
    const view = viewOf(photo);
    const stamp = photo.shown[part];
    noteShown(photo, view.tenths);
    return part === "started"
      ? this.#photoStarted(job, photo, view, stamp, 0)
      : this.#photoLast(job, photo, view, stamp, 0);
  }

  /** null: the job has not been shown yet. */
  replayJob(job: Job, now: Now): OutMessage | null {
    const { shown } = job;
    if (shown === null) return null;
    const present = jobViewOf(job);
    // A fall is told by the next live message, with its new totalsVersion; until then what was shown holds.
    const tenths = highest(shown.view.tenths, present.tenths);
    const view = { ...present, tenths };
    if (!isEndShown(shown.view)) job.shown = { ...shown, view: { ...shown.view, tenths } };
    return this.#job(job, { ...shown, view }, now, 0);
  }

  #photoStarted(job: Job, photo: Photo, view: PhotoView, stamp: Stamp, eventAtMs: number): OutMessage {
    return this.#photo("upload_started", job, photo, startedView(view), stamp, eventAtMs);
  }

  #photoLast(job: Job, photo: Photo, view: PhotoView, stamp: Stamp, eventAtMs: number): OutMessage {
    return this.#photo(photoMessageType(view.status), job, photo, view, stamp, eventAtMs);
  }

  #photo(
    type: MessageType,
    { jobId }: Job,
    { photoId, state }: Photo,
    view: PhotoView,
    { seq, at }: Stamp,
    eventAtMs: number,
  ): OutMessage {
    const id = formatEventId(this.#epoch, seq);
    const fileName = type === "upload_started" ? state.fileName : null;
    const json = encodePhotoMessage({ type, jobId, id, at }, photoId, view, fileName);
    return { seq, id, type, jobId, json, eventAtMs };
  }

  #job(
    job: Job,
    { view, totalsVersion, last: { seq, at } }: Pick<JobShown, "view" | "totalsVersion" | "last">,
    now: Now,
    eventAtMs: number,
  ): OutMessage {
    const { jobId } = job;
    const type = isEndShown(view) ? "job_completed" : "job_progress";
    const id = formatEventId(this.#epoch, seq);
    const json = encodeJobMessage({ type, jobId, id, at }, job, view, totalsVersion, now.monotonicMs);
    return { seq, id, type, jobId, json, eventAtMs };
  }

  #stamp(user: UserState, now: Now): Stamp {
    user.headSeq += 1;
    return { seq: user.headSeq, at: now.unixMs };
  }
}

/** A reader is about to see this percent: nobody is shown less from now on. */
function noteShown(photo: Photo, tenths: Tenths | null): void {
  if (photo.shown !== null && tenths !== null && tenths > photo.shown.highest) {
    photo.shown = { ...photo.shown, highest: tenths };
  }
}

function highest(left: Tenths | null, right: Tenths | null): Tenths | null {
  if (left === null || right === null) return left ?? right;
  return Math.max(left, right);
}
