import type { PhotoData } from "./events.ts";

/** What a photo's and a job's message share: fields, and so size, are those of the hub's. */
interface MessageBase {
  readonly jobId: string;
  readonly progress: number | null;
  readonly status: string;
  /** ISO 8601, of the message's making. */
  readonly timestamp: string;
  readonly id: string;
  readonly bytesTransferred: number;
  /** null: unknown. */
  readonly totalBytes: number | null;
}

interface PhotoMessage extends MessageBase {
  readonly type: PhotoKind["type"];
  readonly photoId: string;
  readonly attempt: number;
  readonly fileName?: string;
  readonly error?: unknown;
}

export interface JobMessage extends MessageBase {
  readonly type: "job_progress" | "job_completed";
  readonly photos: PhotoCounts;
  readonly totalsVersion: number;
  readonly bytesPerSecond?: number | null;
  readonly etaSeconds?: number | null;
  readonly title?: string;
}

interface PhotoCounts {
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly active: number;
}

export type Message = PhotoMessage | JobMessage;

/** What is known of a photo when its message is made. */
export interface PhotoFacts {
  readonly bytes: number;
  /** null: unknown. */
  readonly total: number | null;
  readonly attempt: number;
}

export interface PhotoKind {
  readonly type: "upload_started" | "upload_progress" | "upload_completed" | "upload_failed";
  readonly status: "UPLOADING" | "COMPLETED" | "FAILED" | "CANCELLED";
}

const PHOTO_KINDS: ReadonlyMap<string, PhotoKind> = new Map([
  ["photo.upload.started", { type: "upload_started", status: "UPLOADING" }],
  ["photo.upload.progressed", { type: "upload_progress", status: "UPLOADING" }],
  ["photo.upload.completed", { type: "upload_completed", status: "COMPLETED" }],
  ["photo.upload.failed", { type: "upload_failed", status: "FAILED" }],
  ["photo.upload.cancelled", { type: "upload_failed", status: "CANCELLED" }],
]);

const CANCELLED_ERROR = { code: "cancelled", message: "The upload was cancelled" };

/** undefined: an event of another type. */
export function photoKindOf(eventType: string): PhotoKind | undefined {
  return PHOTO_KINDS.get(eventType);
}

export function photoMessage(
  { type, status }: PhotoKind,
  data: PhotoData,
  { bytes, total, attempt }: PhotoFacts,
  id: string,
  timestamp: string,
): PhotoMessage {
  const message: PhotoMessage = {
    type,
    photoId: data.photoId,
    jobId: data.jobId,
    progress: status === "COMPLETED" ? 100 : progressOf(bytes, total),
    status,
    timestamp,
    id,
    bytesTransferred: bytes,
    totalBytes: total,
    attempt,
  };
  if (type === "upload_started" && data.fileName !== undefined)
    return { ...message, fileName: data.fileName };
  return type === "upload_failed" ? { ...message, error: data.error ?? CANCELLED_ERROR } : message;
}

/** One decimal, rounded down, below 100 before the ending; null when the total is unknown. */
export function progressOf(bytes: number, total: number | null): number | null {
  if (total === null) return null;
  return total <= 0 ? 0 : Math.min(99.9, Math.floor((1_000 * bytes) / total) / 10);
}
