import { isUtf8 } from "node:buffer";
import { HubError } from "../errors.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Bytes of a request as a JSON value (RFC 8259 section 8.1: UTF-8). Throws HubError `malformed_json`. Keys such as
 * `__proto__` become plain properties of the value, which nobody reads.
 */
export function parseJson(body: Buffer): unknown {
  if (!isUtf8(body)) throw new HubError("malformed_json", "The body is not valid UTF-8.");
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    // The engine's own text quotes the body.
    throw new HubError("malformed_json", `The body (${body.length} bytes) is not valid JSON, or was cut.`);
  }
}
