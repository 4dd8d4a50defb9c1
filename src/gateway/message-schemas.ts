import { MAX_NUMBER } from "../domain/events.ts";
import { MAX_ID_CHARACTERS } from "../domain/ids.ts";
import type { MessageType } from "../domain/messages.ts";

/** JSON Schema in what draft 7 (AsyncAPI 3.0) and 2020-12 (OpenAPI 3.1) have in common; without references. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Of the HTTP paths and messages, as `/openapi.json` and `/asyncapi.json` tell it. */
export const API_VERSION = "0.1.0";

export const id: JsonSchema = {
  type: "string",
  pattern: "^[A-Za-z0-9._:@-]+$",
  maxLength: MAX_ID_CHARACTERS,
};
export const eventId: JsonSchema = {
  type: "string",
  description: "<epoch>-<seq>: orders a user's messages; what a client comes back with.",
  pattern: "^[a-z0-9]{1,64}-(0|[1-9][0-9]{0,15})$",
};

export const text: JsonSchema = { type: "string" };
export const count: JsonSchema = { type: "integer", minimum: 0, maximum: MAX_NUMBER };
export const attempt: JsonSchema = { ...count, minimum: 1 };
export const error: JsonSchema = closed({ code: text, message: text });

/** The same, or null. */
export function orNull(schema: JsonSchema, description: string): JsonSchema {
  return { ...schema, type: [schema.type, "null"], description };
}

/** An object with these fields and no others. */
export function closed(
  required: Readonly<Record<string, JsonSchema>>,
  optional: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  return {
    type: "object",
    required: Object.keys(required),
    properties: { ...required, ...optional },
    additionalProperties: false,
  };
}

const belowTheEnd = orNull(
  { type: "number", minimum: 0, exclusiveMaximum: 100 },
  "Percent with one decimal, rounded down; null: the total is unknown.",
);
const atTheEnd: JsonSchema = { type: "number", const: 100 };
const totalBytes = orNull(count, "null: unknown.");

function common(type: MessageType, statuses: readonly string[], progress: JsonSchema) {
  return {
    type: { type: "string", const: type },
    jobId: id,
    progress,
    status: { type: "string", enum: statuses },
    timestamp: { type: "string", format: "date-time", description: "When the hub made the message." },
    id: eventId,
    bytesTransferred: count,
    totalBytes,
  };
}

function photoMessage(
  type: MessageType,
  statuses: readonly string[],
  progress: JsonSchema,
  more: Readonly<Record<string, JsonSchema>> = {},
  optional: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  return closed({ photoId: id, ...common(type, statuses, progress), attempt, ...more }, optional);
}

const photos = closed({ total: count, completed: count, failed: count, cancelled: count, active: count });

function jobMessage(
  type: MessageType,
  statuses: readonly string[],
  progress: JsonSchema,
  more: Readonly<Record<string, JsonSchema>> = {},
  optional: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  const totalsVersion = { ...attempt, description: "Rises where the job's percent had to fall." };
  return closed(
    { ...common(type, statuses, progress), photos, totalsVersion, ...more },
    { title: text, ...optional },
  );
}

/** Of the contract, "Messages out": the exact fields of each type. */
export const messageSchemas: Readonly<Record<MessageType, JsonSchema>> = {
  upload_started: photoMessage("upload_started", ["UPLOADING"], belowTheEnd, {}, { fileName: text }),
  upload_progress: photoMessage(
    "upload_progress",
    ["UPLOADING", "PROCESSING"],
    belowTheEnd,
    {},
    { stalled: { type: "boolean", const: true, description: "No new bytes for --stall-after." } },
  ),
  upload_completed: photoMessage("upload_completed", ["COMPLETED"], atTheEnd),
  upload_failed: photoMessage("upload_failed", ["FAILED", "CANCELLED"], belowTheEnd, { error }),
  job_progress: jobMessage(
    "job_progress",
    ["UPLOADING"],
    belowTheEnd,
    { bytesPerSecond: orNull(count, "null: unknown."), etaSeconds: orNull(count, "null: unknown.") },
    { estimated: { type: "boolean", const: true, description: "Some totals are still unknown." } },
  ),
  job_completed: jobMessage("job_completed", ["COMPLETED", "PARTIAL", "FAILED", "CANCELLED"], atTheEnd),
};
