import type { Job } from "../domain/job.ts";
import { isEndShown, type JobView, totalsVersionOf } from "../domain/job-view.ts";
import {
  jobMessageBody,
  type MessageBody,
  type MessageHead,
  photoMessageBody,
  photoMessageType,
} from "../domain/messages.ts";
import { type Photo, type PhotoDue, type PhotoView, type Stamp, startedView } from "../domain/photo-view.ts";
import type { OutMessage } from "./contract.ts";
import { formatEventId } from "./event-id.ts";
import type { ShownEntry, Unstamped } from "./store.ts";

/** The time of one piece of work, on both clocks. */
export interface Now {
  readonly monotonicMs: number;
  readonly unixMs: number;
}

/**
 * Shows what is due of a photo: its `upload_started`, its newest state, or both, added to `messages`. `eventAtMs`: when the
 * newest event in it was heard; 0: no event made it, but silence.
 */
export function showPhoto(
  job: Job,
  photo: Photo,
  due: PhotoDue,
  now: Now,
  eventAtMs: number,
  messages: Unstamped[],
): void {
  const { view } = due;
  const before = photo.shown;
  const started = due.started || before === null ? stampAt(now) : before.started;
  const last = due.last ? stampAt(now) : started;
  const highest = Math.max(before?.highest ?? 0, view.tenths ?? 0);
  photo.shown = { view, highest, started, last, lastAtMs: now.monotonicMs };
  if (due.started) messages.push(photoMessage(job, photo, "started", started, view, eventAtMs));
  if (due.last) messages.push(photoMessage(job, photo, "last", last, view, eventAtMs));
}

/** Shows the job. */
export function showJob(job: Job, view: JobView, now: Now, eventAtMs: number): Unstamped {
  const totalsVersion = totalsVersionOf(job, view);
  const last = stampAt(now);
  job.shown = { view, totalsVersion, last, lastAtMs: now.monotonicMs };
  return jobMessage(job, job.shown, now, eventAtMs);
}

/** The message of something shown before, as it was shown; null: nothing is shown of it. */
export function replay({ job, photo, part }: ShownEntry, epoch: string, now: Now): OutMessage | null {
  if (photo === null) return replayJob(job, epoch, now);
  if (photo.shown === null) return null;
  const { view, [part]: stamp } = photo.shown;
  return stamped(photoMessage(job, photo, part, stamp, view, 0), epoch);
}

/** null: the job has not been shown yet. */
export function replayJob(job: Job, epoch: string, now: Now): OutMessage | null {
  return job.shown === null ? null : stamped(jobMessage(job, job.shown, now, 0), epoch);
}

/** With the number that its stamp has taken. */
export function stamped(message: Unstamped, epoch: string): OutMessage {
  const { type, jobId, stamp, body, bodyBytes, eventAtMs } = message;
  const id = formatEventId(epoch, stamp.seq);
  const json = `{"id":"${id}",${body}`;
  return { seq: stamp.seq, id, type, jobId, json, bytes: json.length - body.length + bodyBytes, eventAtMs };
}

function stampAt(now: Now): Stamp {
  return { seq: 0, at: now.unixMs };
}

function photoMessage(
  { jobId }: Job,
  { photoId, state }: Photo,
  part: ShownEntry["part"],
  stamp: Stamp,
  view: PhotoView,
  eventAtMs: number,
): Unstamped {
  const isStart = part === "started";
  const head: MessageHead = {
    type: isStart ? "upload_started" : photoMessageType(view.status),
    jobId,
    at: stamp.at,
  };
  const shown = isStart ? startedView(view) : view;
  const body = photoMessageBody(head, photoId, shown, isStart ? state.fileName : null);
  return unstamped(head, stamp, body, eventAtMs);
}

function jobMessage(
  job: Job,
  { view, totalsVersion, last: stamp }: NonNullable<Job["shown"]>,
  now: Now,
  eventAtMs: number,
): Unstamped {
  const { jobId } = job;
  const type = isEndShown(view) ? "job_completed" : "job_progress";
  const bytesPerSecond = type === "job_progress" ? job.rate.read(now.monotonicMs) : null;
  const head: MessageHead = { type, jobId, at: stamp.at };
  return unstamped(head, stamp, jobMessageBody(head, view, totalsVersion, bytesPerSecond), eventAtMs);
}

function unstamped(
  { type, jobId }: MessageHead,
  stamp: Stamp,
  { json: body, hasText }: MessageBody,
  eventAtMs: number,
): Unstamped {
  const bodyBytes = hasText ? Buffer.byteLength(body) : body.length;
  return { type, jobId, stamp, body, bodyBytes, eventAtMs };
}
