import jwt from "jsonwebtoken";
import type { Settings } from "../config/schema.ts";

export type SigningKeys = Pick<Settings, "jwtSecret" | "jwtIssuer" | "jwtAudience" | "jwtUserClaim">;

/** Whose token `serve --dev` prints, and the pages sign in with. */
export const DEV_USER = "demo";

/**
 * An HS256 token of the user, signed with the first secret, as the hub's settings ask for it; ends in `ttlMs`. null: there
 * is no secret to sign with.
 */
export function mintToken(keys: SigningKeys, userId: string, ttlMs: number): string | null {
  const secret = keys.jwtSecret[0];
  if (secret === undefined) return null;
  return jwt.sign({ [keys.jwtUserClaim]: userId }, secret, {
    algorithm: "HS256",
    expiresIn: Math.max(1, Math.round(ttlMs / 1_000)),
    ...(keys.jwtIssuer === null ? {} : { issuer: keys.jwtIssuer }),
    ...(keys.jwtAudience === null ? {} : { audience: keys.jwtAudience }),
  });
}
