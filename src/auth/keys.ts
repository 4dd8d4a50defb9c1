import { createPublicKey, createSecretKey, type KeyObject } from "node:crypto";
import type { Algorithm } from "jsonwebtoken";

export interface KeySettings {
  /** HMAC secrets, any of which may have signed (rotation); null: public keys instead. */
  readonly jwtSecret: readonly string[] | null;
  /** PEM texts of public keys or certificates; null: secrets instead. */
  readonly jwtPublicKey: readonly string[] | null;
  /** Where public keys will be fetched from, once the hub can; null: nowhere. */
  readonly jwksUrl: string | null;
  /** Allow-list; null: HS256 with secrets, RS256 and ES256 with public keys. */
  readonly jwtAlgorithms: readonly string[] | null;
}

/** A key and the algorithms it may be used with: those of its own family that the allow-list names. */
export interface VerificationKey {
  readonly key: KeyObject;
  readonly algorithms: Algorithm[];
}

/** RFC 7518 sections 3.2 and 3.3. */
const MIN_SECRET_BYTES = 32;
const MIN_RSA_BITS = 2048;

const HMAC: readonly Algorithm[] = ["HS256", "HS384", "HS512"];
const RSA: readonly Algorithm[] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const RSA_PSS: readonly Algorithm[] = ["PS256", "PS384", "PS512"];
/** RFC 7518 section 3.4: each ECDSA algorithm has one curve. */
const BY_CURVE = new Map<string, readonly Algorithm[]>([
  ["prime256v1", ["ES256"]],
  ["secp384r1", ["ES384"]],
  ["secp521r1", ["ES512"]],
]);
const PUBLIC_KEY_ALGORITHMS: readonly Algorithm[] = [...RSA, ...[...BY_CURVE.values()].flat()];

/**
 * None with `jwks-url`: no key is fetched yet. Throws an Error that names the setting when there is not exactly one kind
 * of key, or when a key can't be read, is too short, or has no algorithm left. The text never holds key material.
 */
export function loadKeys(settings: KeySettings): readonly VerificationKey[] {
  const secrets = settings.jwtSecret ?? [];
  const publicKeys = settings.jwtPublicKey ?? [];
  const kinds = [
    ...(secrets.length > 0 ? ["jwt-secret"] : []),
    ...(publicKeys.length > 0 ? ["jwt-public-key"] : []),
    ...(settings.jwksUrl === null ? [] : ["jwks-url"]),
  ];
  if (kinds.length > 1) throw new Error(`${kinds.join(" and ")} are set together: give one kind of key`);
  if (kinds.length === 0) throw new Error("no key: set jwt-secret, jwt-public-key or jwks-url");
  if (secrets.length === 0) {
    const allowed = allowList(
      settings.jwtAlgorithms ?? ["RS256", "ES256"],
      PUBLIC_KEY_ALGORITHMS,
      "public keys",
    );
    return publicKeys.map((pem, index) => publicKeyOf(pem, `jwt-public-key ${index + 1}`, allowed));
  }
  const allowed = allowList(settings.jwtAlgorithms ?? ["HS256"], HMAC, "secrets");
  return secrets.map((secret, index) => secretKeyOf(secret, `jwt-secret ${index + 1}`, allowed));
}

function allowList(
  names: readonly string[],
  possible: readonly Algorithm[],
  kind: string,
): readonly Algorithm[] {
  const unusable = names.filter((name) => !possible.some((algorithm) => algorithm === name));
  if (unusable.length > 0) {
    throw new Error(
      `jwt-algorithms: ${unusable.join(", ")} can't be used with ${kind}: choose from ${possible.join(", ")}`,
    );
  }
  return possible.filter((algorithm) => names.includes(algorithm));
}

function secretKeyOf(secret: string, name: string, allowed: readonly Algorithm[]): VerificationKey {
  // A public key is no secret: whoever has it could sign tokens with HMAC.
  if (secret.includes("-----BEGIN "))
    throw new Error(`${name} is a PEM text: use jwt-public-key for public keys`);
  if (Buffer.byteLength(secret) < MIN_SECRET_BYTES)
    throw new Error(`${name} is below ${MIN_SECRET_BYTES} bytes`);
  return { key: createSecretKey(Buffer.from(secret, "utf8")), algorithms: [...allowed] };
}

function publicKeyOf(pem: string, name: string, allowed: readonly Algorithm[]): VerificationKey {
  // createPublicKey would quietly derive the public half.
  if (pem.includes("PRIVATE KEY-----"))
    throw new Error(`${name} is a private key: the hub needs the public one alone`);
  const key = readPem(pem, name);
  const algorithms = familyOf(key, name).filter((algorithm) => allowed.includes(algorithm));
  if (algorithms.length === 0) {
    throw new Error(`${name}: jwt-algorithms allows none that fits a key of type ${key.asymmetricKeyType}`);
  }
  return { key, algorithms };
}

function readPem(pem: string, name: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch {
    throw new Error(`${name} is not a public key or certificate in PEM`);
  }
}

function familyOf(key: KeyObject, name: string): readonly Algorithm[] {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === "ec") return BY_CURVE.get(details?.namedCurve ?? "") ?? [];
  if (key.asymmetricKeyType !== "rsa" && key.asymmetricKeyType !== "rsa-pss") return [];
  if ((details?.modulusLength ?? 0) < MIN_RSA_BITS) throw new Error(`${name} is below ${MIN_RSA_BITS} bits`);
  return key.asymmetricKeyType === "rsa" ? RSA : RSA_PSS;
}
