import { isUserId, USER_ID_RULE } from "../auth/user-id.ts";
import { MAX_NUMBER, type UploadError } from "../domain/events.ts";
import { ID_RULE, isId } from "../domain/ids.ts";
import { isJsonObject, type JsonObject } from "./json.ts";

/** Longer texts are cut to these UTF-16 units, not rejected: an ending must not be lost for its wording. */
const MAX_TEXT_UNITS = 1_024;
const MAX_ERROR_CODE_UNITS = 128;

/**
 * Reads the fields of one event's data, without throwing: the first field that breaks its rule is remembered in
 * `problem`, and every reader goes on with a harmless value, so that an event is built in one expression.
 * A field that is null counts as absent.
 */
export class FieldReader {
  /** Names the field and its rule; null: every field read so far keeps its rule. */
  problem: string | null = null;
  private readonly data: JsonObject;

  constructor(data: JsonObject) {
    this.data = data;
  }

  id(name: "jobId" | "photoId"): string {
    const value = this.data[name];
    if (typeof value === "string" && isId(value)) return value;
    this.refuse(name, ID_RULE);
    return "";
  }

  userId(required: boolean): string | null {
    const value = this.data.userId;
    if ((value === undefined || value === null) && !required) return null;
    if (isUserId(value)) return value;
    this.refuse("userId", USER_ID_RULE);
    return null;
  }

  integer(name: string): number {
    return this.bounded(name, 0);
  }

  /** null: unknown. */
  optionalInteger(name: string, min: 0 | 1): number | null {
    const value = this.data[name];
    return value === undefined || value === null ? null : this.bounded(name, min);
  }

  /** null: absent. */
  optionalText(name: string): string | null {
    const value = this.data[name];
    if (value === undefined || value === null) return null;
    if (typeof value === "string") return cut(value, MAX_TEXT_UNITS);
    this.refuse(name, "a string");
    return null;
  }

  error(): UploadError {
    const value = this.data.error;
    if (isJsonObject(value)) {
      const { code, message } = value;
      if (typeof code === "string" && typeof message === "string") {
        return { code: cut(code, MAX_ERROR_CODE_UNITS), message: cut(message, MAX_TEXT_UNITS) };
      }
    }
    this.refuse("error", "an object with the strings code and message");
    return { code: "", message: "" };
  }

  private bounded(name: string, min: 0 | 1): number {
    const value = this.data[name];
    // Adding 0 turns -0 into 0.
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= min) return value + 0;
    this.refuse(name, `an integer from ${min} to ${MAX_NUMBER}`);
    return 0;
  }

  private refuse(name: string, rule: string): void {
    const absent = this.data[name] === undefined || this.data[name] === null;
    this.problem ??= absent ? `${name} is required: ${rule}` : `${name} must be ${rule}`;
  }
}

/**
 * At most `max` UTF-16 units, never half a character; lone surrogates become U+FFFD, since not every client's JSON
 * parser takes them.
 */
function cut(text: string, max: number): string {
  if (text.length <= max && !/\p{Cs}/u.test(text)) return text;
  const splits = text.length > max && /[\uD800-\uDBFF]/.test(text.charAt(max - 1));
  const kept = text.slice(0, splits ? max - 1 : max);
  // Through bytes, since a slice would keep the whole long text in memory as long as itself.
  return Buffer.from(kept, "utf8").toString("utf8");
}
