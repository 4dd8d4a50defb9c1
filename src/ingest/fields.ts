import { isUserId, USER_ID_RULE } from "../auth/user-id.ts";
import { MAX_NUMBER, type UploadError } from "../domain/events.ts";
import { ID_RULE, isId } from "../domain/ids.ts";
import { isJsonObject } from "./json.ts";

/** Longer texts are cut to these UTF-16 units, not rejected: an ending must not be lost for its wording. */
const MAX_TEXT_UNITS = 1_024;
const MAX_ERROR_CODE_UNITS = 128;

/**
 * Reads the fields of one event's data, without throwing: the first field that breaks its rule is remembered in
 * `problem`, and every reader goes on with a harmless value, so that an event is built in one expression.
 * A field that is null counts as absent. Given with its name, since a look by a name that varies is slow.
 */
export class FieldReader {
  /** Names the field and its rule; null: every field read so far keeps its rule. */
  problem: string | null = null;

  id(name: "jobId" | "photoId", value: unknown): string {
    if (typeof value === "string" && isId(value)) return value;
    this.refuse(name, value, ID_RULE);
    return "";
  }

  userId(value: unknown, required: boolean): string | null {
    if ((value === undefined || value === null) && !required) return null;
    if (isUserId(value)) return value;
    this.refuse("userId", value, USER_ID_RULE);
    return null;
  }

  integer(name: string, value: unknown): number {
    return this.bounded(name, value, 0);
  }

  /** null: unknown. */
  optionalInteger(name: string, value: unknown, min: 0 | 1): number | null {
    return value === undefined || value === null ? null : this.bounded(name, value, min);
  }

  /** null: absent. */
  optionalText(name: string, value: unknown): string | null {
    if (value === undefined || value === null) return null;
    if (typeof value === "string") return cut(value, MAX_TEXT_UNITS);
    this.refuse(name, value, "a string");
    return null;
  }

  error(value: unknown): UploadError {
    if (isJsonObject(value)) {
      const { code, message } = value;
      if (typeof code === "string" && typeof message === "string") {
        return { code: cut(code, MAX_ERROR_CODE_UNITS), message: cut(message, MAX_TEXT_UNITS) };
      }
    }
    this.refuse("error", value, "an object with the strings code and message");
    return { code: "", message: "" };
  }

  private bounded(name: string, value: unknown, min: 0 | 1): number {
    // Adding 0 turns -0 into 0.
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= min) return value + 0;
    this.refuse(name, value, `an integer from ${min} to ${MAX_NUMBER}`);
    return 0;
  }

  private refuse(name: string, value: unknown, rule: string): void {
    const absent = value === undefined || value === null;
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
