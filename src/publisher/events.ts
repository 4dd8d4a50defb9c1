import { randomUUID } from "node:crypto";

interface JobData {
  /** 1 to 128 characters of `A-Z a-z 0-9 . _ : @ -`. */
  readonly jobId: string;
  /** May be left out once the hub knows whose job it is. */
  readonly userId?: string | undefined;
}

interface PhotoData extends JobData {
  /** Same alphabet as `jobId`. */
  readonly photoId: string;
  /** 1 or more; absent: the producer doesn't count attempts. */
  readonly attempt?: number | undefined;
}

/** `data` by event type, as the hub takes it. Numbers are integers from 0 to 2^53-1; a total of null is unknown. */
export interface PublishData {
  readonly "uploadjob.created": JobData & {
    readonly userId: string;
    readonly photoCount?: number | undefined;
    readonly totalBytes?: number | null | undefined;
    readonly title?: string | undefined;
  };
  /** The producer says that no photo follows. */
  readonly "uploadjob.completed": JobData & { readonly photoCount?: number | undefined };
  readonly "uploadjob.cancelled": JobData;
  readonly "photo.upload.started": PhotoData & {
    readonly totalBytes?: number | null | undefined;
    readonly fileName?: string | undefined;
  };
  readonly "photo.upload.progressed": PhotoData & {
    readonly bytesTransferred: number;
    readonly totalBytes?: number | null | undefined;
  };
  readonly "photo.upload.completed": PhotoData & { readonly totalBytes?: number | null | undefined };
  readonly "photo.upload.failed": PhotoData & {
    readonly error: { readonly code: string; readonly message: string };
  };
  readonly "photo.upload.cancelled": PhotoData;
}

export type PublishEventType = keyof PublishData;

/** CloudEvents attributes the caller may set; `id` and `source` together name one event, also when sent twice. */
interface PublishAttributes {
  /** Absent: a random UUID, made once and kept over retries. */
  readonly id?: string | undefined;
  /** Absent: the publisher's own. */
  readonly source?: string | undefined;
  /** `user`: ids are the uploader's word; the event lives in its owner's own jobs. Absent: a trusted producer. */
  readonly jobScope?: "user" | undefined;
}

export type PublishEvent = {
  [Type in PublishEventType]: PublishAttributes & { readonly type: Type; readonly data: PublishData[Type] };
}[PublishEventType];

type ProgressedEvent = Extract<PublishEvent, { type: "photo.upload.progressed" }>;

/** An event with its envelope complete. */
export type Envelope = PublishEvent & {
  readonly id: string;
  readonly source: string;
  /** RFC 3339. */
  readonly time: string;
};

export function envelopeOf(event: PublishEvent, source: string): Envelope {
  return {
    ...event,
    id: event.id ?? randomUUID(),
    source: event.source ?? source,
    time: new Date().toISOString(),
  };
}

/** The CloudEvents 1.0 JSON of an event. Throws TypeError on what JSON can't hold (a BigInt, a cycle). */
export function encodeEvent(event: Envelope): string {
  return JSON.stringify({
    specversion: "1.0",
    id: event.id,
    source: event.source,
    type: event.type,
    time: event.time,
    ...(event.jobScope === "user" && { jobscope: "user" }),
    data: event.data,
  });
}

/** The photo's id; null: an event of the job. */
export function photoIdOf(event: PublishEvent): string | null {
  return "photoId" in event.data ? event.data.photoId : null;
}

/**
 * Two progresses of one photo and attempt as one: the newer, with the greatest bytes and total of both, which is how
 * the hub would join them. null: they are not of a kind that may be merged, so both must be sent.
 */
export function mergeProgress(older: Envelope, newer: Envelope): Envelope | null {
  if (!isProgress(older) || !isProgress(newer)) return null;
  const same =
    older.data.jobId === newer.data.jobId &&
    older.data.photoId === newer.data.photoId &&
    older.data.userId === newer.data.userId &&
    older.data.attempt === newer.data.attempt &&
    older.jobScope === newer.jobScope &&
    older.source === newer.source;
  // What the hub would reject must be rejected by itself, without taking a good event along.
  if (!same || !isNumber(older.data) || !isNumber(newer.data)) return null;
  const totals = [older.data.totalBytes, newer.data.totalBytes].filter((total) => typeof total === "number");
  return {
    ...newer,
    data: {
      ...newer.data,
      bytesTransferred: Math.max(older.data.bytesTransferred, newer.data.bytesTransferred),
      totalBytes: totals.length === 0 ? null : Math.max(...totals),
    },
  };
}

function isProgress(event: Envelope): event is Envelope & ProgressedEvent {
  return event.type === "photo.upload.progressed";
}

function isNumber({ bytesTransferred, totalBytes }: ProgressedEvent["data"]): boolean {
  return (
    isCount(bytesTransferred) && (totalBytes === undefined || totalBytes === null || isCount(totalBytes))
  );
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
