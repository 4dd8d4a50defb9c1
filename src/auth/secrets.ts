import { createHash, timingSafeEqual } from "node:crypto";

/** True when the bearer secret is one of those it was made with; null (none was sent) never is. */
export type SecretCheck = (candidate: string | null) => boolean;

/**
 * Compares in constant time: every secret is compared, each as a digest, so that neither their lengths nor
 * which of them matched can be measured. Without secrets nothing matches.
 */
export function createSecretCheck(secrets: readonly string[]): SecretCheck {
  const digests = secrets.map(digest);
  return (candidate) => {
    if (candidate === null) return false;
    const offered = digest(candidate);
    let matches = 0;
    for (const expected of digests) matches += Number(timingSafeEqual(expected, offered));
    return matches > 0;
  };
}

function digest(secret: string): Buffer {
  return createHash("sha256").update(secret, "utf8").digest();
}
