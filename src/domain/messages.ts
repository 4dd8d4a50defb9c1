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
 * only for `upload_started`; null leaves it out.
 */
export function photoMessageBody(
  head: MessageHead,
  photoId: string,
  view: PhotoView,
  fileName: string | null,
): string {
  return body({
    type: head.type,
    photoId,
    jobId: head.jobId,
    progress: percent(view.tenths),
    status: view.status,
    timestamp: new Date(head.at).toISOString(),
    bytesTransferred: view.bytes,
    totalBytes: view.total,
    attempt: view.attempt,
    ...(fileName === null ? {} : { fileName }),
    ...(view.stalled ? { stalled: true } : {}),
    ...(head.type === "upload_failed" ? { error: view.error ?? CANCELLED_ERROR } : {}),
  });
}

/** The same of a job's message. */
export function jobMessageBody(
  head: MessageHead,
  view: JobView,
  totalsVersion: JobShown["totalsVersion"],
  bytesPerSecond: number | null,
): string {
  return body({
    type: head.type,
    jobId: head.jobId,
    progress: percent(view.tenths),
    status: view.status,
    timestamp: new Date(head.at).toISOString(),
    bytesTransferred: view.bytes,
    totalBytes: view.total,
    photos: view.photos,
    totalsVersion,
    ...(head.type === "job_progress" ? { bytesPerSecond, etaSeconds: etaSeconds(view, bytesPerSecond) } : {}),
    ...(view.estimated ? { estimated: true } : {}),
    ...(view.title === null ? {} : { title: view.title }),
  });
}

function body(message: object): string {
  return JSON.stringify(message).slice(1);
}

function etaSeconds(view: JobView, bytesPerSecond: number | null): number | null {
  if (bytesPerSecond === null || view.remaining === null || view.remaining === 0) return null;
  return Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(view.remaining / bytesPerSecond));
}

function percent(tenths: Tenths | null): number | null {
  return tenths === null ? null : tenths / 10;
}
