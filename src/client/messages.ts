// What a hub sends to clients, as TypeScript sees it. This folder runs in browsers: it imports nothing of Node.

interface Shown {
  readonly jobId: string;
  /** Orders the messages of a user: `<epoch>-<number>`. */
  readonly id: string;
  /** 0 to 100, one decimal, below 100 until the ending; null: the total is unknown. */
  readonly progress: number | null;
  /** When the hub made it, ISO 8601. */
  readonly timestamp: string;
  readonly bytesTransferred: number;
  /** null: nobody said. */
  readonly totalBytes: number | null;
}

export type PhotoStatus = "UPLOADING" | "PROCESSING" | "COMPLETED" | "FAILED" | "CANCELLED";
export type JobStatus = "UPLOADING" | "COMPLETED" | "PARTIAL" | "FAILED" | "CANCELLED";

export interface PhotoMessage extends Shown {
  readonly type: "upload_started" | "upload_progress" | "upload_completed" | "upload_failed";
  readonly photoId: string;
  readonly status: PhotoStatus;
  /** From 1; a retry is another attempt. */
  readonly attempt: number;
  /** In `upload_started` alone, where it was told. */
  readonly fileName?: string;
  /** True: no new bytes for a while. */
  readonly stalled?: boolean;
  /** Why it failed or was cancelled. */
  readonly error?: { readonly code: string; readonly message: string };
}

export interface JobMessage extends Shown {
  readonly type: "job_progress" | "job_completed";
  readonly status: JobStatus;
  readonly photos: Readonly<Record<"total" | "completed" | "failed" | "cancelled" | "active", number>>;
  /** Rises when photos are added or their sizes learnt: the percent may fall then, and only then. */
  readonly totalsVersion: number;
  readonly title?: string;
  /** Of a job under way; null: unknown. */
  readonly bytesPerSecond?: number | null;
  readonly etaSeconds?: number | null;
  /** True: not all sizes are known, and the percent is a guess by those that are. */
  readonly estimated?: boolean;
}

/** What is about the connection, and shows nothing. */
type ControlMessage =
  | { readonly type: "synced"; readonly mode: "snapshot" | "resumed"; readonly id?: string | null }
  | { readonly type: "token_expiring"; readonly expiresIn: number }
  | { readonly type: "reconnect"; readonly afterMs: number }
  | { readonly type: "closing"; readonly code: number }
  | { readonly type: "refreshed"; readonly expiresIn: number }
  | { readonly type: "refresh_failed"; readonly code: string }
  | { readonly type: "heartbeat" };

export type HubMessage = PhotoMessage | JobMessage | ControlMessage;

const PHOTO: ReadonlySet<unknown> = new Set([
  "upload_started",
  "upload_progress",
  "upload_completed",
  "upload_failed",
]);
const JOB: ReadonlySet<unknown> = new Set(["job_progress", "job_completed"]);
const CONTROL: ReadonlySet<unknown> = new Set([
  "synced",
  "token_expiring",
  "reconnect",
  "closing",
  "refreshed",
  "refresh_failed",
  "heartbeat",
]);

export function isPhotoMessage(message: HubMessage): message is PhotoMessage {
  return PHOTO.has(message.type);
}

export function isJobMessage(message: HubMessage): message is JobMessage {
  return JOB.has(message.type);
}

/** null: of a type that this version does not know, or no message at all. Looks only at what it is told apart by. */
function readMessage(value: unknown): HubMessage | null {
  if (typeof value !== "object" || value === null || !("type" in value)) return null;
  if (CONTROL.has(value.type)) return value as ControlMessage;
  if (!("id" in value && "jobId" in value)) return null;
  if (typeof value.id !== "string" || typeof value.jobId !== "string") return null;
  if (JOB.has(value.type) && "photos" in value) return value as JobMessage;
  if (PHOTO.has(value.type) && "photoId" in value && typeof value.photoId === "string") {
    return value as PhotoMessage;
  }
  return null;
}

/** The same of JSON; null also: it is none. */
export function parseMessage(text: string): HubMessage | null {
  try {
    return readMessage(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Only within an epoch: ids of different epochs have no order, and the newer epoch is what the hub knows now. */
export function isOlder(id: string, than: string): boolean {
  const [epoch, seq] = parts(id);
  const [otherEpoch, otherSeq] = parts(than);
  return epoch === otherEpoch && seq < otherSeq;
}

export function isSameEpoch(id: string, other: string): boolean {
  return parts(id)[0] === parts(other)[0];
}

function parts(id: string): readonly [epoch: string, seq: number] {
  const dash = id.lastIndexOf("-");
  return [id.slice(0, dash), Number(id.slice(dash + 1))];
}
