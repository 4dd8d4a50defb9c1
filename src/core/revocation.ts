import type { Revocation } from "../auth/revocations.ts";
import { isUserId, USER_ID_RULE } from "../auth/user-id.ts";
import { MAX_EXPIRY_SECONDS } from "../auth/verify.ts";
import { HubError } from "../errors.ts";
import { isJsonObject } from "../ingest/json.ts";

const MAX_JTI_CHARACTERS = 256;
const FIELDS: ReadonlySet<string> = new Set(["jti", "userId", "issuedBefore", "expiresAt"]);

/**
 * `{jti}`, or `{userId, issuedBefore}`, either with `expiresAt`: when the tokens have expired; absent or null: unknown.
 * Times are Unix seconds. Throws HubError `bad_request`.
 */
export function revocationOf(body: unknown): Revocation {
  if (!isJsonObject(body)) throw refused("the body must be a JSON object");
  const unknown = Object.keys(body).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) throw refused("there is a field beside jti, userId, issuedBefore and expiresAt");
  const { jti, userId, issuedBefore, expiresAt = null } = body;
  const expiresAtSeconds = expiresAt === null ? null : secondsOf("expiresAt", expiresAt);
  if ((jti === undefined) === (userId === undefined))
    throw refused("give either jti, or userId and issuedBefore");
  if (jti === undefined) {
    if (!isUserId(userId)) throw refused(`userId must be ${USER_ID_RULE}`);
    return { userId, issuedBeforeSeconds: secondsOf("issuedBefore", issuedBefore), expiresAtSeconds };
  }
  if (issuedBefore !== undefined) throw refused("issuedBefore goes with userId");
  if (typeof jti !== "string" || jti === "" || jti.length > MAX_JTI_CHARACTERS)
    throw refused(`jti must be a string of 1 to ${MAX_JTI_CHARACTERS} characters`);
  return { jti, expiresAtSeconds };
}

/** Milliseconds given by mistake would be beyond the year 9999, and revoke what is not issued yet. */
function secondsOf(name: string, value: unknown): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAX_EXPIRY_SECONDS)
    throw refused(`${name} must be Unix seconds, an integer`);
  return value;
}

function refused(reason: string): HubError {
  return new HubError("bad_request", `Can't revoke: ${reason}.`);
}
