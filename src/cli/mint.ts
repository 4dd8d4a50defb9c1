import jwt from "jsonwebtoken";
import type { Settings } from "../config/schema.ts";
import { CommandFailed, exitCode } from "./exit-codes.ts";

type Keys = Pick<Settings, "jwtSecret" | "jwtIssuer" | "jwtAudience" | "jwtUserClaim">;

/** An HS256 token of the user, signed with the first secret, as the hub's settings ask for it; ends in `ttlMs`. */
export function mintToken(keys: Keys, userId: string, ttlMs: number): string {
  const secret = keys.jwtSecret[0];
  if (secret === undefined) {
    throw new CommandFailed(
      exitCode.usage,
      "no secret to sign with; set --jwt-secret or PROGRESS_HUB_JWT_SECRET",
    );
  }
  return jwt.sign({ [keys.jwtUserClaim]: userId }, secret, {
    algorithm: "HS256",
    expiresIn: Math.max(1, Math.round(ttlMs / 1_000)),
    ...(keys.jwtIssuer === null ? {} : { issuer: keys.jwtIssuer }),
    ...(keys.jwtAudience === null ? {} : { audience: keys.jwtAudience }),
  });
}
