/**
 * What a producer may tell the hub. Every event has passed the gate (`src/ingest`): ids have the contract's shape,
 * numbers are integers from 0 to 2^53-1, absent optional fields are null.
 */
interface EventBase {
  /** CloudEvents `source` and `id`; together they name one event, also when it is delivered twice. */
  readonly source: string;
  readonly id: string;
  readonly jobId: string;
  /** null: the producer leaves it out, since the job is known. */
  readonly userId: string | null;
  /**
   * `bound`: a trusted producer; the first such event that names an owner binds the job id to that user.
   * `user`: the uploader's word; lives in its owner's own jobs and never binds a job id for others.
   */
  readonly scope: "bound" | "user";
}

export interface JobCreated extends EventBase {
  readonly type: "uploadjob.created";
  readonly photoCount: number | null;
  /** Bytes of all photos together; null: unknown. */
  readonly totalBytes: number | null;
  readonly title: string | null;
}

/** The producer says that no photo follows. */
export interface JobCompleted extends EventBase {
  readonly type: "uploadjob.completed";
  readonly photoCount: number | null;
}

export interface JobCancelled extends EventBase {
  readonly type: "uploadjob.cancelled";
}

interface PhotoEventBase extends EventBase {
  readonly photoId: string;
  /** 1 or more; null: the producer does not count attempts. */
  readonly attempt: number | null;
}

export interface PhotoStarted extends PhotoEventBase {
  readonly type: "photo.upload.started";
  readonly totalBytes: number | null;
  readonly fileName: string | null;
}

export interface PhotoProgressed extends PhotoEventBase {
  readonly type: "photo.upload.progressed";
  readonly bytesTransferred: number;
  readonly totalBytes: number | null;
}

export interface PhotoCompleted extends PhotoEventBase {
  readonly type: "photo.upload.completed";
  readonly totalBytes: number | null;
}

export interface UploadError {
  readonly code: string;
  readonly message: string;
}

export interface PhotoFailed extends PhotoEventBase {
  readonly type: "photo.upload.failed";
  readonly error: UploadError;
}

export interface PhotoCancelled extends PhotoEventBase {
  readonly type: "photo.upload.cancelled";
}

export type JobEvent = JobCreated | JobCompleted | JobCancelled;
export type PhotoEvent = PhotoStarted | PhotoProgressed | PhotoCompleted | PhotoFailed | PhotoCancelled;
export type DomainEvent = JobEvent | PhotoEvent;
export type DomainEventType = DomainEvent["type"];

const EVENT_TYPES: ReadonlySet<string> = new Set<DomainEventType>([
  "uploadjob.created",
  "uploadjob.completed",
  "uploadjob.cancelled",
  "photo.upload.started",
  "photo.upload.progressed",
  "photo.upload.completed",
  "photo.upload.failed",
  "photo.upload.cancelled",
]);

export function isEventType(type: string): type is DomainEventType {
  return EVENT_TYPES.has(type);
}

export const MAX_NUMBER = Number.MAX_SAFE_INTEGER;

export function isPhotoEvent(event: DomainEvent): event is PhotoEvent {
  return event.type.startsWith("photo.");
}
