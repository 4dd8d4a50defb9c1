import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { contractIdOf } from "../ingest/tusd.ts";
import type { PublishEvent } from "./events.ts";

/** The part of @tus/server's request (a web Request) that is used here. */
export interface TusRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: { get(name: string): string | null };
  /** Node's own request, for what a middleware has put there. */
  readonly runtime?:
    | { readonly node?: { readonly req: IncomingMessage | Http2ServerRequest } | undefined }
    | undefined;
}

/** The part of @tus/server's Upload that is used here. */
export interface TusUpload {
  readonly id: string;
  /** Bytes received. */
  readonly offset: number;
  /** Bytes in all; absent: not known yet (`Upload-Defer-Length`). */
  readonly size?: number | undefined;
  readonly metadata?: Readonly<Record<string, string | null>> | undefined;
}

/** Whose upload it is, and which photo of which job. */
export interface TusIdentity {
  readonly userId: string;
  readonly jobId: string;
  readonly photoId: string;
  /** Photos to announce for the job; null: nothing to announce. */
  readonly photoCount: number | null;
}

/** Ids the backend chose; null or absent: the upload's metadata says, or else its own id. */
export interface ChosenIds {
  readonly userId: string;
  readonly jobId?: string | null | undefined;
  readonly photoId?: string | null | undefined;
}

/** An upload that names no job is a job of one photo. Ids of the uploader go as they are, for the hub to judge. */
export function identityOf(upload: TusUpload, chosen: ChosenIds): TusIdentity {
  const ownId = contractIdOf(upload.id);
  const jobId = chosen.jobId ?? metadataOf(upload, "jobId");
  return {
    userId: chosen.userId,
    jobId: jobId ?? ownId,
    photoId: chosen.photoId ?? metadataOf(upload, "photoId") ?? ownId,
    photoCount: jobId === null ? 1 : countOf(metadataOf(upload, "photoCount")),
  };
}

/** What is told of one upload. Ids of the opening are made of the Upload.ID, so that telling it twice is harmless. */
export function eventsOf(
  upload: TusUpload,
  { userId, jobId, photoId, photoCount }: TusIdentity,
  source: string,
) {
  const totalBytes = upload.size ?? null;
  const job = { userId, jobId };
  const photo = { ...job, photoId };
  const own = { source, jobScope: "user" } as const;
  const fileName = metadataOf(upload, "filename") ?? metadataOf(upload, "name") ?? undefined;

  const created: PublishEvent[] =
    photoCount === null
      ? []
      : [{ ...own, id: `${upload.id} created`, type: "uploadjob.created", data: { ...job, photoCount } }];
  return {
    opening: (): PublishEvent[] => [
      ...created,
      {
        ...own,
        id: `${upload.id} started`,
        type: "photo.upload.started",
        data: { ...photo, totalBytes, fileName },
      },
    ],
    progressed: (): PublishEvent => ({
      ...own,
      type: "photo.upload.progressed",
      data: { ...photo, bytesTransferred: upload.offset, totalBytes },
    }),
    completed: (): PublishEvent => ({
      ...own,
      id: `${upload.id} completed`,
      type: "photo.upload.completed",
      data: { ...photo, totalBytes },
    }),
    cancelled: (): PublishEvent => ({
      ...own,
      id: `${upload.id} cancelled`,
      type: "photo.upload.cancelled",
      data: photo,
    }),
  };
}

/** Clients send what is not set as an empty text. */
function metadataOf(upload: TusUpload, name: string): string | null {
  return upload.metadata?.[name] || null;
}

function countOf(text: string | null): number | null {
  const count = text !== null && /^\d+$/.test(text) ? Number(text) : null;
  return Number.isSafeInteger(count) ? count : null;
}
