import type { IncomingHttpHeaders } from "node:http";
import { HubError } from "../errors.ts";
import { admitEvent, type GateRejection, type GateResult } from "./gate.ts";
import { isJsonObject, type JsonObject, parseJson } from "./json.ts";
import { isJsonType, isUtf8Charset, parseMediaType } from "./media-type.ts";

const STRUCTURED = "application/cloudevents+json";
const BATCH = "application/cloudevents-batch+json";
/** The attributes the gate looks at; `datacontenttype` is the Content-Type itself. */
const HEADER_ATTRIBUTES = ["specversion", "id", "source", "type", "jobscope"] as const;

/**
 * An HTTP request's events (CloudEvents HTTP binding 1.0.2 section 3), each through the gate, at their positions; an
 * empty batch gives none. Throws HubError for what spoils the whole request: `unsupported_media_type` (also a charset
 * other than UTF-8), `malformed_json`, `batch_too_large`.
 */
export function decodeCloudEvents(
  body: Buffer,
  headers: IncomingHttpHeaders,
  maxBatch: number,
): readonly GateResult[] {
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") throw unsupported("Content-Encoding is not supported.");
  const type = parseMediaType(headers["content-type"]);
  if (type === null) throw unsupported("A Content-Type is required.");
  if (!isUtf8Charset(type)) throw unsupported("The charset must be UTF-8.");
  if (type.essence === BATCH) return decodeBatch(parseJson(body), maxBatch);
  if (type.essence === STRUCTURED) return [admitEvent(structuredEvent(parseJson(body)))];
  if (type.essence.startsWith("application/cloudevents") || !isJsonType(type)) throw unsupported();
  if (!HEADER_ATTRIBUTES.some((name) => headers[`ce-${name}`] !== undefined)) {
    throw unsupported(`Plain JSON needs ce-* headers; or send ${STRUCTURED} or ${BATCH}.`);
  }
  return [decodeBinary(headers, parseJson(body))];
}

function decodeBatch(value: unknown, maxBatch: number): readonly GateResult[] {
  if (!Array.isArray(value)) throw new HubError("malformed_json", "A batch must be a JSON array of events.");
  if (value.length > maxBatch) {
    throw new HubError(
      "batch_too_large",
      `The batch has ${value.length} events, at most ${maxBatch} are taken.`,
    );
  }
  return value.map(admitEvent);
}

function structuredEvent(value: unknown): JsonObject {
  if (!isJsonObject(value)) throw new HubError("malformed_json", "A structured event must be a JSON object.");
  return value;
}

function decodeBinary(headers: IncomingHttpHeaders, data: unknown): GateResult {
  const event: Record<string, unknown> = { data };
  for (const name of HEADER_ATTRIBUTES) {
    const header = headers[`ce-${name}`];
    if (header === undefined) continue;
    const value = decodeHeaderValue(String(header));
    if (value === null) return undecodable(event.id, name);
    event[name] = value;
  }
  return admitEvent(event);
}

function undecodable(id: unknown, name: string): GateRejection {
  return {
    id: typeof id === "string" ? id : null,
    code: "invalid_field",
    message: `${name} must be UTF-8, percent-encoded in its header`,
    eventType: "unknown",
  };
}

/**
 * A header's value as an attribute (CloudEvents HTTP binding section 3.1.3.2): double quotes are taken off, then one
 * round of percent-decoding. null: the bytes are not UTF-8. A percent sign without two hex digits stays, because
 * producers that never encode are common.
 */
export function decodeHeaderValue(header: string): string | null {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(header)?.[1];
  const value = quoted === undefined ? header : quoted.replace(/\\(.)/g, "$1");
  try {
    return value.replace(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent);
  } catch {
    return null;
  }
}

function unsupported(detail?: string): HubError {
  return new HubError("unsupported_media_type", detail);
}
