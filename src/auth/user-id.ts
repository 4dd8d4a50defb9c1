const MAX_USER_ID_BYTES = 256;
/** One UTF-16 unit is at most 3 bytes of UTF-8, so anything this short needs no counting. */
const SURELY_SHORT_UNITS = Math.floor(MAX_USER_ID_BYTES / 3);
/** Control characters (C0, DEL, C1) and surrogates without their other half. */
const FORBIDDEN = /[\p{Cc}\p{Cs}]/u;

/** Completes "userId must be ...". */
export const USER_ID_RULE = `a string of 1 to ${MAX_USER_ID_BYTES} bytes without control characters`;

/** The contract's rule for a user id, in events and in the subject of tokens alike: `auth0|42`, `a+b@x.com`. */
export function isUserId(value: unknown): value is string {
  if (typeof value !== "string" || value === "" || value.length > MAX_USER_ID_BYTES) return false;
  if (FORBIDDEN.test(value)) return false;
  return value.length <= SURELY_SHORT_UNITS || Buffer.byteLength(value) <= MAX_USER_ID_BYTES;
}
