import { createHash } from "node:crypto";
import type { DomainEventType } from "../domain/events.ts";
import { isId, MAX_ID_CHARACTERS, withoutForbidden } from "../domain/ids.ts";
import { admitEvent, type GateResult } from "./gate.ts";
import type { TusdHook } from "./tusd-hook.ts";

const SOURCE = "tusd";
const HASH_CHARACTERS = 16;

/**
 * A hook as events, each through the gate like any other producer's: metadata is the uploader's word. The same hook
 * delivered twice gives the same `source` and `id` (progress rule 4).
 */
export function eventsOfTusdHook(hook: TusdHook, userId: unknown): readonly GateResult[] {
  const { name, uploadId, upload, metaData } = hook;
  const ownId = contractIdOf(uploadId);
  const jobId = metadataValue(metaData.jobId);
  const job = { userId, jobId: jobId ?? ownId };
  const photo = { ...job, photoId: metadataValue(metaData.photoId) ?? ownId };
  const totalBytes = upload.SizeIsDeferred === true ? null : upload.Size;
  const event = (type: DomainEventType, id: string, data: object) =>
    admitEvent({ specversion: "1.0", source: SOURCE, id: `${uploadId} ${id}`, type, jobscope: "user", data });

  switch (name) {
    case "post-create": {
      const started = event("photo.upload.started", name, {
        ...photo,
        totalBytes,
        fileName: metadataValue(metaData.filename) ?? metadataValue(metaData.name),
      });
      // Without a job of its uploader's naming the upload is a job of one.
      const photoCount = jobId === null ? 1 : countOf(metaData.photoCount);
      if (photoCount === null) return [started];
      return [event("uploadjob.created", `${name} job`, { ...job, photoCount }), started];
    }
    case "post-receive": {
      const { Offset } = upload;
      // Not yet through the gate: it may be of any shape and size.
      const id = `${name} ${typeof Offset === "number" ? Offset : "?"}`;
      return [event("photo.upload.progressed", id, { ...photo, bytesTransferred: Offset, totalBytes })];
    }
    case "post-finish":
      return [event("photo.upload.completed", name, { ...photo, totalBytes })];
    case "post-terminate":
      return [event("photo.upload.cancelled", name, photo)];
  }
}

/**
 * An Upload.ID as a photo or job id of the contract. One that keeps the contract's alphabet and length stays as it
 * is. In any other (S3 multipart ids hold `+`) each forbidden character becomes `-`, the text is cut to 111
 * characters, and `.` with the first 16 hex digits of the SHA-256 of the whole Upload.ID follows, so that different
 * ids stay different: `abc+def` is `abc-def.` and 16 digits.
 */
export function contractIdOf(uploadId: string): string {
  if (isId(uploadId)) return uploadId;
  const hash = createHash("sha256").update(uploadId, "utf8").digest("hex").slice(0, HASH_CHARACTERS);
  const readable = withoutForbidden(uploadId.slice(0, MAX_ID_CHARACTERS - HASH_CHARACTERS - 1));
  return `${readable}.${hash}`;
}

/** Clients send what is not set as an empty text. */
function metadataValue(value: unknown): unknown {
  return value === undefined || value === "" ? null : value;
}

/** Metadata is text; what is no number goes on as it is, for the gate to refuse. */
function countOf(value: unknown): unknown {
  return typeof value === "string" && /^\d+$/.test(value) ? Number(value) : metadataValue(value);
}
