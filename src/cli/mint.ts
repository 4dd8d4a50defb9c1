import { mintToken, type SigningKeys } from "../auth/mint.ts";
import { CommandFailed, exitCode } from "./exit-codes.ts";

/** See `mintToken`. Throws where there is no secret to sign with. */
export function requireToken(keys: SigningKeys, userId: string, ttlMs: number): string {
  const token = mintToken(keys, userId, ttlMs);
  if (token !== null) return token;
  throw new CommandFailed(
    exitCode.usage,
    "no secret to sign with; set --jwt-secret or PROGRESS_HUB_JWT_SECRET",
  );
}
