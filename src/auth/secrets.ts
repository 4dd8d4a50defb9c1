import { createHash, timingSafeEqual } from "node:crypto";

/** True when the bearer secret is one of those it was made with; null (none was sent) never is. */
export type SecretCheck = (candidate: string | null) => boolean;

/** Of a secret in its padded form, its length among them. */
const PADDED_BYTES = 256;
const LENGTH_BYTES = 4;

/**
 * Compares in constant time: every secret is compared, each padded to one length, so that neither their lengths nor which
 * of them matched can be measured. Without secrets nothing matches.
 */
export function createSecretCheck(secrets: readonly string[]): SecretCheck {
  const known = secrets.map((secret) => padded(secret, Buffer.alloc(PADDED_BYTES)));
  const offered = Buffer.alloc(PADDED_BYTES);
  return (candidate) => {
    if (candidate === null) return false;
    padded(candidate, offered);
    let matches = 0;
    for (const expected of known) matches += Number(timingSafeEqual(expected, offered));
    return matches > 0;
  };
}

/** Its length and itself; what is too long for that, its digest. A digest for each request costs as much as an event. */
function padded(secret: string, into: Buffer): Buffer {
  const length = Buffer.byteLength(secret);
  into.fill(0);
  into.writeUInt32BE(length, 0);
  if (length <= PADDED_BYTES - LENGTH_BYTES) into.write(secret, LENGTH_BYTES);
  else createHash("sha256").update(secret, "utf8").digest().copy(into, LENGTH_BYTES);
  return into;
}
