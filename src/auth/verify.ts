import jsonwebtoken, { type Jwt, type VerifyOptions } from "jsonwebtoken";
import { HubError } from "../errors.ts";
import { type KeySettings, loadKeys, type VerificationKey } from "./keys.ts";
import { Revocations } from "./revocations.ts";
import { isUserId, USER_ID_RULE } from "./user-id.ts";

export interface VerifierSettings extends KeySettings {
  /** Expected `iss`; null: not looked at. */
  readonly jwtIssuer: string | null;
  /** Expected among `aud`; null: not looked at. */
  readonly jwtAudience: string | null;
  /** Name of the claim that holds the user, `sub` unless set otherwise. */
  readonly jwtUserClaim: string;
}

/** Who a token speaks for, and how long. Times are Unix seconds. */
export interface Identity {
  readonly userId: string;
  readonly expiresAtSeconds: number;
  /** null: no usable `iat`. */
  readonly issuedAtSeconds: number | null;
  /** null: no `jti`. */
  readonly jti: string | null;
}

export interface VerifyTokenOptions {
  /** True: an `exp` in the past is accepted (it must still be there); everything else is checked. */
  readonly ignoreExpiration?: boolean;
}

export interface Verifier {
  /** What is refused before it expires; whoever adds to it closes nothing by that. */
  readonly revocations: Revocations;
  /**
   * Throws HubError `token_missing` (null or empty), `token_expired` (nothing else is wrong with it), `token_revoked`
   * or `token_invalid`. No message holds any part of the token.
   */
  verify(token: string | null, options?: VerifyTokenOptions): Identity;
}

/** Beyond any header limit in use; refused before anything is decoded. */
const MAX_TOKEN_CHARACTERS = 8 * 1024;
/** 9999-12-31T23:59:59Z, the last instant a date string can name. */
export const MAX_EXPIRY_SECONDS = 253_402_300_799;

/**
 * Throws an Error for keys that can't be used, see `loadKeys`; with `jwks-url` every token is `token_invalid` so far.
 * `nowMs`: Unix milliseconds.
 */
export function createVerifier(settings: VerifierSettings, nowMs: () => number = Date.now): Verifier {
  const keys = loadKeys(settings);
  const claims: VerifyOptions = {
    ...(settings.jwtIssuer === null ? {} : { issuer: settings.jwtIssuer }),
    ...(settings.jwtAudience === null ? {} : { audience: settings.jwtAudience }),
    clockTolerance: 0,
    // Judged last and by ourselves: an expired token must first be right in everything else.
    ignoreExpiration: true,
  };
  const revocations = new Revocations(nowMs);
  return {
    revocations,
    verify(token, options = {}) {
      if (token === null || token === "") throw new HubError("token_missing");
      if (token.length > MAX_TOKEN_CHARACTERS)
        throw invalid(`It is over ${MAX_TOKEN_CHARACTERS} characters.`);
      const nowSeconds = Math.floor(nowMs() / 1000);
      const payload = signedPayload(token, keys, { ...claims, clockTimestamp: nowSeconds });
      const identity = identityOf(payload, settings.jwtUserClaim);
      if (revocations.isRevoked(identity)) throw new HubError("token_revoked");
      if (!options.ignoreExpiration && identity.expiresAtSeconds <= nowSeconds)
        throw new HubError("token_expired");
      return identity;
    },
  };
}

type Payload = Readonly<Record<string, unknown>>;

function signedPayload(token: string, keys: readonly VerificationKey[], options: VerifyOptions): Payload {
  let reason = keys.length === 0 ? "The hub has no key to verify it with." : "";
  for (const { key, algorithms } of keys) {
    try {
      const jwt = jsonwebtoken.verify(token, key, { ...options, algorithms, complete: true });
      return payloadOf(jwt);
    } catch (error) {
      if (error instanceof HubError) throw error;
      reason = reasonOf(error, reason);
    }
  }
  throw invalid(reason);
}

function payloadOf({ header, payload }: Jwt): Payload {
  // RFC 7515 section 4.1.11: an extension marked critical and not understood must fail; we understand none.
  if (header.crit !== undefined) throw invalid("It names critical header extensions.");
  if (typeof payload !== "object" || payload === null) throw invalid("Its payload is not a JSON object.");
  return payload;
}

function identityOf(payload: Payload, userClaim: string): Identity {
  const userId = payload[userClaim];
  if (!isUserId(userId)) throw invalid(`Its claim ${userClaim} must be ${USER_ID_RULE}.`);
  const { exp, iat, jti } = payload;
  if (typeof exp !== "number" || !Number.isInteger(exp) || exp < 0 || exp > MAX_EXPIRY_SECONDS) {
    throw invalid("Its exp is required: an integer of seconds, at most the year 9999.");
  }
  return {
    userId,
    expiresAtSeconds: exp,
    issuedAtSeconds: typeof iat === "number" && Number.isFinite(iat) ? iat : null,
    jti: typeof jti === "string" && jti !== "" ? jti : null,
  };
}

/** The library's own texts name the expected issuer and audience, which are nobody's business. */
function reasonOf(error: unknown, earlier: string): string {
  if (error instanceof jsonwebtoken.NotBeforeError) return "It is not valid yet (nbf).";
  const text = error instanceof Error ? error.message : "";
  if (text.startsWith("jwt issuer")) return "Its issuer is not the expected one.";
  if (text.startsWith("jwt audience")) return "Its audience is not the expected one.";
  if (text.startsWith("invalid nbf")) return "Its nbf is not a number.";
  return earlier || "Its signature, with an allowed algorithm and a known key, can't be verified.";
}

function invalid(reason: string): HubError {
  return new HubError("token_invalid", `The token can't be accepted. ${reason}`);
}
