import { type ErrorCode, errorCatalogue } from "../errors.ts";
import { eventSchemas } from "./event-schemas.ts";
import {
  API_VERSION,
  closed,
  count,
  eventId,
  id,
  type JsonSchema,
  messageSchemas,
  text,
} from "./message-schemas.ts";
import { adminPaths, adminSchemas } from "./openapi-admin.ts";
import { ANY, BODY, INTERNAL, json, parameter, problems, ref } from "./openapi-parts.ts";

const PUBLIC = { url: "/", description: "Public listener: clients." };

/** Rejections of single events of a batch. */
const REJECTIONS = [
  "invalid_field",
  "unknown_type",
  "owner_mismatch",
  "owner_unknown",
  "too_many_photos",
  "too_many_jobs",
  "overloaded",
] as const satisfies readonly ErrorCode[];

const ORIGIN = ["origin_not_allowed"] as const;
const TOKEN = ["token_missing", "token_invalid", "token_expired", "token_revoked", "disconnected"] as const;
const AWAY = ["draining", "overloaded", "store_unavailable"] as const;

const ceHeader = (name: string, description: string) => parameter("header", `ce-${name}`, text, description);

const events = {
  operationId: "publishEvents",
  summary: "Domain events in, as CloudEvents 1.0: structured, batch, or binary (ce-* headers).",
  description:
    "Idempotent: after a 503 send everything again. Counted in array order; a bad event rejects only itself.",
  security: [{ ingestToken: [] }],
  parameters: [
    ceHeader("specversion", "Binary mode: 1.0"),
    ceHeader("id", "Binary mode: the event's id, percent-encoded."),
    ceHeader("source", "Binary mode: with the id, the event's name."),
    ceHeader("type", "Binary mode: the event's type."),
    ceHeader("jobscope", "Binary mode: `user`, or left out."),
  ],
  requestBody: {
    required: true,
    content: {
      "application/cloudevents+json": { schema: ref("Event") },
      "application/cloudevents-batch+json": { schema: { type: "array", items: ref("Event") } },
      "application/json": { schema: { type: "object", description: "Binary mode: the event's data." } },
    },
  },
  responses: {
    "200": { description: "What became of the events.", content: json(ref("Published")) },
    "422": { description: "Every event was rejected.", content: json(ref("Published")) },
    ...problems(
      ...BODY,
      ...ANY,
      "unauthorized",
      "batch_too_large",
      "unsupported_media_type",
      "rate_limited",
      ...AWAY,
    ),
  },
};

const tusdHook = {
  operationId: "tusdHook",
  summary: "HTTP hooks of tusd 2, and of tusd 1 with its Hook-Name header.",
  description: "What can't be used is ignored with 200: no answer ever stops an upload.",
  security: [{ ingestTokenQuery: [] }, { ingestToken: [] }],
  parameters: [parameter("header", "Hook-Name", text, "tusd 1: the hook.")],
  requestBody: {
    required: true,
    content: json({ type: "object", description: "tusd's own: {Type, Event: {Upload, HTTPRequest}}." }),
  },
  responses: {
    "200": { description: "Taken, or ignored.", content: json(closed({})) },
    ...problems(...BODY, ...ANY, "unauthorized", ...AWAY),
  },
};

/** Of a stream and of polling, which are one path: `Accept` decides. */
function progress(operationId: string, isOneJob: boolean) {
  const jobId = parameter("path", "jobId", id, "A job of the user.");
  return {
    operationId,
    summary: isOneJob
      ? "One job: a stream, or its state."
      : "All jobs of the user: a stream, or their state.",
    description:
      "Server-Sent Events, unless `Accept` asks for application/json and not for text/event-stream. A retryable " +
      "refusal of a stream is 200 with `retry:` and an end, since EventSource gives up on any other status.",
    security: [{ userToken: [] }, { userTokenQuery: [] }],
    parameters: [
      ...(isOneJob ? [jobId] : []),
      parameter("query", "since", eventId, "Polling: only what is newer; absent: a snapshot."),
      parameter(
        "query",
        "wait",
        { type: "string", pattern: "^\\d{1,9}(ms|s|m)?$" },
        "Polling: waits so long for something newer, such as 25s, at most 60s.",
      ),
      parameter("header", "If-None-Match", text, "Polling: the ETag of the last answer."),
      parameter("query", "lastEventId", eventId, "Stream: everything after it; absent: a snapshot."),
      parameter("header", "Last-Event-ID", eventId, "Stream: the same, and goes before the query."),
    ],
    responses: {
      "200": {
        description: "The stream, see /asyncapi.json for its messages; or the state.",
        headers: { ETag: { schema: text, description: "Polling only." } },
        content: {
          "text/event-stream": { schema: text },
          ...json(ref(isOneJob ? "JobState" : "State")),
        },
      },
      ...(isOneJob && { "204": { description: "Stream: nothing is left to come, stay away." } }),
      "304": { description: "Polling: nothing new." },
      ...problems(
        ...ANY,
        ...TOKEN,
        ...ORIGIN,
        ...(isOneJob ? (["job_not_found"] as const) : []),
        "rate_limited",
        ...AWAY,
      ),
    },
  };
}

const upgrade = {
  operationId: "connect",
  summary: "Native WebSocket; with `EIO` in the query Socket.IO. See /asyncapi.json for the messages.",
  security: [{ userToken: [] }, { userTokenQuery: [] }],
  parameters: [
    parameter("query", "EIO", text, "Socket.IO's own; its clients set it."),
    parameter("query", "transport", { type: "string", enum: ["websocket", "polling"] }, "Socket.IO's own."),
    parameter("query", "jobId", id, "WebSocket: only this job."),
    parameter("query", "lastEventId", eventId, "WebSocket: everything after it."),
    parameter("header", "Sec-WebSocket-Protocol", text, "WebSocket: progress-hub.v1, bearer.<token>"),
  ],
  responses: {
    "101": { description: "The connection is a WebSocket now." },
    "200": { description: "Socket.IO's long-polling.", content: { "text/plain": { schema: text } } },
    ...problems(...ANY, "transport_disabled", ...TOKEN, ...ORIGIN, "rate_limited", ...AWAY),
  },
};

function get(operationId: string, summary: string, schema: JsonSchema, ...codes: readonly ErrorCode[]) {
  const ok = { description: "OK", content: json(schema) };
  return {
    operationId,
    summary,
    security: [],
    responses: { "200": ok, ...problems(...ORIGIN, ...ANY, ...codes) },
  };
}

const metrics = {
  operationId: "metrics",
  summary: "Metrics of all processes, for Prometheus.",
  security: [],
  responses: {
    "200": { description: "OK", content: { "text/plain": { schema: text } } },
    ...problems(...ANY),
  },
};

const status = closed({ status: { type: "string" } });
const description = { type: "object" };

const state = { id: eventId, messages: { type: "array", items: ref("Message") } };
const pollAfterMs = {
  type: ["integer", "null"],
  description: "When to poll again; null: the job has ended.",
};

/** `GET /openapi.json`: OpenAPI 3.1 of the HTTP of both listeners. */
export const openapi = {
  openapi: "3.1.0",
  info: {
    title: "progress-hub",
    version: API_VERSION,
    description:
      "Upload events in, live progress out. Every error is a problem document (RFC 9457) with `code`.",
    license: { name: "MIT", identifier: "MIT" },
  },
  servers: [PUBLIC],
  paths: {
    "/api/v1/events": { servers: [INTERNAL], post: events },
    "/api/v1/hooks/tusd": { servers: [INTERNAL], post: tusdHook },
    ...adminPaths,
    "/api/v1/upload-progress": { get: progress("watchJobs", false) },
    "/api/v1/upload-progress/{jobId}": { get: progress("watchJob", true) },
    "/ws/upload-progress": { get: upgrade },
    "/healthz": {
      servers: [PUBLIC, INTERNAL],
      get: get("healthz", "The process answers, and has not been cut off for 30 s.", status, "not_linked"),
    },
    "/readyz": {
      servers: [PUBLIC, INTERNAL],
      get: get("readyz", "It wants traffic.", status, "draining", "store_unavailable", "not_linked"),
    },
    "/metrics": { servers: [INTERNAL], get: metrics },
    "/openapi.json": { get: get("openapi", "This document.", description) },
    "/asyncapi.json": { get: get("asyncapi", "The messages out, as AsyncAPI 3.0.", description) },
  },
  components: {
    schemas: {
      Problem: closed({
        type: { type: "string", const: "about:blank" },
        title: text,
        status: { type: "integer" },
        code: { type: "string", enum: Object.keys(errorCatalogue) },
        detail: text,
        hint: { type: "string", description: "What to do." },
      }),
      Event: { oneOf: Object.keys(eventSchemas).map(ref) },
      ...eventSchemas,
      Published: closed({
        accepted: count,
        unchanged: { ...count, description: "Already known, or superseded." },
        rejected: {
          type: "array",
          items: closed({
            index: { ...count, description: "Position in the batch." },
            id: { type: ["string", "null"], description: "The event's id; null: it has none." },
            code: { type: "string", enum: REJECTIONS },
            message: text,
          }),
        },
      }),
      ...adminSchemas,
      Message: { oneOf: Object.keys(messageSchemas).map(ref) },
      ...messageSchemas,
      JobState: closed({
        ...state,
        job: { oneOf: [ref("job_progress"), ref("job_completed"), { type: "null" }] },
        pollAfterMs,
      }),
      State: closed({
        ...state,
        jobs: { type: "array", items: { oneOf: [ref("job_progress"), ref("job_completed")] } },
        pollAfterMs,
      }),
    },
    securitySchemes: {
      userToken: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "The user's token." },
      userTokenQuery: { type: "apiKey", in: "query", name: "access_token", description: "The same token." },
      ingestToken: { type: "http", scheme: "bearer", description: "A secret of --ingest-token." },
      ingestTokenQuery: {
        type: "apiKey",
        in: "query",
        name: "access_token",
        description: "The same secret.",
      },
      adminToken: { type: "http", scheme: "bearer", description: "A secret of --admin-token." },
    },
  },
};
