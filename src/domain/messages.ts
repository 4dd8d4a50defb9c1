import { isoTimes } from "../iso-times.ts";
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

/** Of what is shown in one turn, all is of one millisecond. */
const timestampOf = isoTimes();

const CANCELLED_ERROR = { code: "cancelled", message: "The upload was cancelled" };

/** The type of a photo's newest message; `upload_started` is a message of its own. */
export function photoMessageType(status: PhotoStatus): MessageType {
  return TYPE_OF_STATUS[status];
}

/** JSON of a message without its opening brace and its id, which is known last and comes first. */
export interface MessageBody {
  readonly json: string;
  /** True: it has text that people write. All else, ids and numbers among it, is a byte a character in UTF-8. */
  readonly hasText: boolean;
}

/**
 * Of a photo's message. `fileName` is only for `upload_started`; null leaves it out. Put together by hand, since it is
 * made for every event, in half the time of JSON.stringify: no id has a character that JSON escapes (see `isId`), and no
 * number is infinite.
 */
export function photoMessageBody(
  { type, jobId, at }: MessageHead,
  photoId: string,
  view: PhotoView,
  fileName: string | null,
): MessageBody {
  const { status, bytes, total, attempt } = view;
  const isFailed = type === "upload_failed";
  let json =
    `"type":"${type}","photoId":"${photoId}","jobId":"${jobId}","progress":${percent(view.tenths)},` +
    `"status":"${status}","timestamp":"${timestampOf(at)}","bytesTransferred":${bytes},"totalBytes":${total},` +
    `"attempt":${attempt}`;
  if (fileName !== null) json += `,"fileName":${JSON.stringify(fileName)}`;
  if (view.stalled) json += ',"stalled":true';
  if (isFailed) json += `,"error":${JSON.stringify(view.error ?? CANCELLED_ERROR)}`;
  return { json: `${json}}`, hasText: fileName !== null || isFailed };
}

/** Of a job's message. */
export function jobMessageBody(
  { type, jobId, at }: MessageHead,
  view: JobView,
  totalsVersion: JobShown["totalsVersion"],
  bytesPerSecond: number | null,
): MessageBody {
  const { status, bytes, total, photos, title } = view;
  let json =
    `"type":"${type}","jobId":"${jobId}","progress":${percent(view.tenths)},"status":"${status}",` +
    `"timestamp":"${timestampOf(at)}","bytesTransferred":${bytes},"totalBytes":${total},` +
    `"photos":{"total":${photos.total},"completed":${photos.completed},"failed":${photos.failed},` +
    `"cancelled":${photos.cancelled},"active":${photos.active}},"totalsVersion":${totalsVersion}`;
  if (type === "job_progress") {
    json += `,"bytesPerSecond":${bytesPerSecond},"etaSeconds":${etaSeconds(view, bytesPerSecond)}`;
  }
  if (view.estimated) json += ',"estimated":true';
  if (title !== null) json += `,"title":${JSON.stringify(title)}`;
  return { json: `${json}}`, hasText: title !== null };
}

function etaSeconds(view: JobView, bytesPerSecond: number | null): number | null {
  if (bytesPerSecond === null || view.remaining === null || view.remaining === 0) return null;
  return Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(view.remaining / bytesPerSecond));
}

function percent(tenths: Tenths | null): number | null {
  return tenths === null ? null : tenths / 10;
}
