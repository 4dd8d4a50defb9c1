import type { JobShown } from "./job.ts";
import type { JobView } from "./job-view.ts";
import type { Tenths } from "./percent.ts";
import type { PhotoStatus, PhotoView } from "./photo-view.ts";

export const MESSAGE_TYPES = [
  "upload_started",
  "upload_progress",
  "upload_completed",
  "upload_failed",
  "job_progress",
  "job_completed",
] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

/** What names and dates a message but for its id: `at` is Unix milliseconds of its making. */
export interface MessageHead {
  readonly type: MessageType;
  readonly jobId: string;
  readonly at: number;
}

const TYPE_OF_STATUS = {
  UPLOADING: "upload_progress",
  PROCESSING: "upload_progress",
  COMPLETED: "upload_completed",
  FAILED: "upload_failed",
  CANCELLED: "upload_failed",
} as const satisfies Record<PhotoStatus, MessageType>;

const CANCELLED_ERROR = { code: "cancelled", message: "The upload was cancelled" };

/** The type of a photo's newest message; `upload_started` is a message of its own. */
export function photoMessageType(status: PhotoStatus): MessageType {
  return TYPE_OF_STATUS[status];
}

/**
 * The JSON of a photo's message without its opening brace: the id, which is known last, is put before it. `fileName` is
 * only for `upload_started`; null leaves it out. Put together by hand, since it is made for every event, in half the time
 * of JSON.stringify: no id has a character that JSON escapes (see `isId`), and no number is infinite.
 */
export function photoMessageBody(
  { type, jobId, at }: MessageHead,
  photoId: string,
  view: PhotoView,
  fileName: string | null,
): string {
  const { status, bytes, total, attempt } = view;
  let body =
    `"type":"${type}","photoId":"${photoId}","jobId":"${jobId}","progress":${percent(view.tenths)},` +
    `"status":"${status}","timestamp":"${timestampOf(at)}","bytesTransferred":${bytes},"totalBytes":${total},` +
    `"attempt":${attempt}`;
  if (fileName !== null) body += `,"fileName":${JSON.stringify(fileName)}`;
  if (view.stalled) body += ',"stalled":true';
  if (type === "upload_failed") body += `,"error":${JSON.stringify(view.error ?? CANCELLED_ERROR)}`;
  return `${body}}`;
}

/** The same of a job's message. */
export function jobMessageBody(
  { type, jobId, at }: MessageHead,
  view: JobView,
  totalsVersion: JobShown["totalsVersion"],
  bytesPerSecond: number | null,
): string {
  const { status, bytes, total, photos } = view;
  let body =
    `"type":"${type}","jobId":"${jobId}","progress":${percent(view.tenths)},"status":"${status}",` +
    `"timestamp":"${timestampOf(at)}","bytesTransferred":${bytes},"totalBytes":${total},` +
    `"photos":{"total":${photos.total},"completed":${photos.completed},"failed":${photos.failed},` +
    `"cancelled":${photos.cancelled},"active":${photos.active}},"totalsVersion":${totalsVersion}`;
  if (type === "job_progress") {
    body += `,"bytesPerSecond":${bytesPerSecond},"etaSeconds":${etaSeconds(view, bytesPerSecond)}`;
  }
  if (view.estimated) body += ',"estimated":true';
  if (view.title !== null) body += `,"title":${JSON.stringify(view.title)}`;
  return `${body}}`;
}

/** Of what is shown in one turn, all is of one millisecond. */
let last = { at: Number.NaN, text: "" };

function timestampOf(at: number): string {
  if (at !== last.at) last = { at, text: new Date(at).toISOString() };
  return last.text;
}

function etaSeconds(view: JobView, bytesPerSecond: number | null): number | null {
  if (bytesPerSecond === null || view.remaining === null || view.remaining === 0) return null;
  return Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(view.remaining / bytesPerSecond));
}

function percent(tenths: Tenths | null): number | null {
  return tenths === null ? null : tenths / 10;
}
