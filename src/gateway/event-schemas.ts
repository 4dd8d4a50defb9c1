import type { DomainEventType } from "../domain/events.ts";
import { attempt, count, error, id, type JsonSchema, orNull, text } from "./message-schemas.ts";

type Fields = Readonly<Record<string, JsonSchema>>;

const userId: JsonSchema = { type: "string", minLength: 1, maxLength: 256 };
const laterUserId = orNull(userId, "May be left out once the job is known.");
const photoCount = orNull(count, "null: unknown.");
const totalBytes = orNull(count, "null: unknown.");
const ofPhoto: Fields = { userId: laterUserId, attempt: orNull(attempt, "null: not counted.") };
const photoIds: Fields = { photoId: id, jobId: id };

/** The CloudEvent of a type. Attributes and fields beyond these are ignored. */
function event(type: DomainEventType, required: Fields, optional: Fields): JsonSchema {
  return {
    type: "object",
    required: ["specversion", "id", "source", "type"],
    properties: {
      specversion: { type: "string", const: "1.0" },
      id: { type: "string", minLength: 1 },
      source: { type: "string", minLength: 1 },
      type: { type: "string", const: type },
      datacontenttype: { type: ["string", "null"], description: "A JSON media type." },
      jobscope: {
        type: ["string", "null"],
        enum: ["user", null],
        description: "user: the uploader's word; lives in its owner's own jobs, and names its owner.",
      },
      data: {
        type: "object",
        required: Object.keys(required),
        properties: { ...required, ...optional },
      },
      data_base64: { type: ["string", "null"], description: "The data in base64, in place of `data`." },
    },
    anyOf: [{ required: ["data"] }, { required: ["data_base64"] }],
  };
}

/** Of the contract, "Events in": what producers send. */
export const eventSchemas: Readonly<Record<DomainEventType, JsonSchema>> = {
  "uploadjob.created": event(
    "uploadjob.created",
    { jobId: id, userId },
    { photoCount, totalBytes, title: orNull(text, "Cut at 1,024 characters.") },
  ),
  "uploadjob.completed": event("uploadjob.completed", { jobId: id }, { userId: laterUserId, photoCount }),
  "uploadjob.cancelled": event("uploadjob.cancelled", { jobId: id }, { userId: laterUserId }),
  "photo.upload.started": event("photo.upload.started", photoIds, {
    ...ofPhoto,
    totalBytes,
    fileName: orNull(text, "Cut at 1,024 characters."),
  }),
  "photo.upload.progressed": event(
    "photo.upload.progressed",
    { ...photoIds, bytesTransferred: count },
    { ...ofPhoto, totalBytes },
  ),
  "photo.upload.completed": event("photo.upload.completed", photoIds, { ...ofPhoto, totalBytes }),
  "photo.upload.failed": event("photo.upload.failed", { ...photoIds, error }, ofPhoto),
  "photo.upload.cancelled": event("photo.upload.cancelled", photoIds, ofPhoto),
};
