import { createHmac, generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import jsonwebtoken, { type SignOptions } from "jsonwebtoken";
import { describe, expect, it } from "vitest";
import { createVerifier, type VerifierSettings, type VerifyTokenOptions } from "../../src/auth/verify.ts";
import { HubError } from "../../src/errors.ts";

const NOW = 1_800_000_000;
const SECRET = "0123456789abcdef0123456789abcdef";
const OTHER = "fedcba9876543210fedcba9876543210";
const settings: VerifierSettings = {
  jwtSecret: [SECRET],
  jwtPublicKey: null,
  jwksUrl: null,
  jwtAlgorithms: null,
  jwtIssuer: null,
  jwtAudience: null,
  jwtUserClaim: "sub",
};
const jwksUrl = "https://id.example.com/jwks";
const claims = { sub: "auth0|42", exp: NOW + 60, iat: NOW, jti: "t1" };

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const pemOf = (key: KeyObject) => key.export({ type: "spki", format: "pem" }).toString();

function verifierOf(changes: Partial<VerifierSettings> = {}) {
  return createVerifier({ ...settings, ...changes }, () => NOW * 1000 + 999);
}

/** Signs any payload at all: jsonwebtoken itself refuses to make most of the wrong ones. */
function forge(header: object, payload: unknown, secret: string | null = SECRET): string {
  const part = (value: unknown) =>
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
  const signed = `${part(header)}.${part(payload)}`;
  return `${signed}.${secret === null ? "" : createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

function hs256(payload: unknown, secret = SECRET): string {
  return forge({ alg: "HS256", typ: "JWT" }, payload, secret);
}

function refusalOf(
  token: string | null,
  changes: Partial<VerifierSettings> = {},
  options?: VerifyTokenOptions,
): string {
  const verifier = verifierOf(changes);
  try {
    verifier.verify(token, options);
  } catch (error) {
    if (!(error instanceof HubError)) return `not a HubError: ${String(error)}`;
    for (const part of (token ?? "").split("."))
      if (part.length > 5) expect(error.message).not.toContain(part);
    return error.code;
  }
  return "accepted";
}

describe("what is revoked", () => {
  it("is refused once all else is right, whether or not it has expired", () => {
    const verifier = verifierOf();
    const codeOf = (payload: object, options?: VerifyTokenOptions) => {
      try {
        return verifier.verify(hs256(payload), options).userId;
      } catch (error) {
        return error instanceof HubError ? error.code : String(error);
      }
    };
    expect(codeOf(claims)).toBe(claims.sub);
    verifier.revocations.add({ jti: "t1", expiresAtSeconds: null });
    expect(codeOf(claims)).toBe("token_revoked");
    expect(codeOf({ ...claims, exp: NOW - 1 }, { ignoreExpiration: true })).toBe("token_revoked");
    expect(codeOf({ ...claims, jti: "t2" })).toBe(claims.sub);
    expect(codeOf({ ...claims, nbf: NOW + 9 })).toBe("token_invalid");
  });
});

describe("what is accepted", () => {
  it("tells who, until when, since when and which token", () => {
    expect(verifierOf().verify(hs256(claims))).toEqual({
      userId: "auth0|42",
      expiresAtSeconds: NOW + 60,
      issuedAtSeconds: NOW,
      jti: "t1",
    });
    expect(verifierOf().verify(hs256({ sub: "u", exp: NOW + 1, iat: "x", jti: 5 }))).toMatchObject({
      issuedAtSeconds: null,
      jti: null,
    });
  });

  it("tries every secret and every key, for rotation", () => {
    expect(refusalOf(hs256(claims, OTHER))).toBe("token_invalid");
    expect(refusalOf(hs256(claims, OTHER), { jwtSecret: [SECRET, OTHER] })).toBe("accepted");
    const jwtPublicKey = [
      pemOf(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey),
      pemOf(rsa.publicKey),
      pemOf(ec.publicKey),
    ];
    for (const [key, algorithm] of [
      [rsa.privateKey, "RS256"],
      [ec.privateKey, "ES256"],
    ] satisfies [KeyObject, SignOptions["algorithm"]][]) {
      const token = jsonwebtoken.sign(claims, key, { algorithm });
      expect(refusalOf(token, { jwtSecret: null, jwtPublicKey })).toBe("accepted");
      expect(refusalOf(token, { jwtSecret: null, jwtPublicKey: jwtPublicKey.slice(0, 1) })).toBe(
        "token_invalid",
      );
    }
  });

  it("reads the user from another claim, but only an own one", () => {
    expect(verifierOf({ jwtUserClaim: "uid" }).verify(hs256({ ...claims, uid: "u9" })).userId).toBe("u9");
    expect(refusalOf(hs256(claims), { jwtUserClaim: "uid" })).toBe("token_invalid");
    expect(refusalOf(hs256(claims), { jwtUserClaim: "constructor" })).toBe("token_invalid");
  });
});

describe("algorithms", () => {
  it("never takes none, in any spelling", () => {
    for (const alg of ["none", "None", "NONE", "nOnE"]) {
      expect(refusalOf(forge({ alg, typ: "JWT" }, claims, null))).toBe("token_invalid");
      expect(refusalOf(forge({ alg, typ: "JWT" }, claims))).toBe("token_invalid");
    }
  });

  it("never takes an HMAC made with the public key (algorithm confusion)", () => {
    const jwtPublicKey = [pemOf(rsa.publicKey)];
    for (const secret of [pemOf(rsa.publicKey), pemOf(rsa.publicKey).trim()]) {
      expect(refusalOf(hs256(claims, secret), { jwtSecret: null, jwtPublicKey })).toBe("token_invalid");
    }
  });

  it("takes only what the allow-list names", () => {
    const hs512 = jsonwebtoken.sign(claims, SECRET, { algorithm: "HS512", allowInsecureKeySizes: true });
    expect(refusalOf(hs512)).toBe("token_invalid");
    expect(refusalOf(hs512, { jwtAlgorithms: ["HS256", "HS512"] })).toBe("accepted");
    const rs512 = jsonwebtoken.sign(claims, rsa.privateKey, { algorithm: "RS512" });
    expect(refusalOf(rs512, { jwtSecret: null, jwtPublicKey: [pemOf(rsa.publicKey)] })).toBe("token_invalid");
  });

  it("takes no header extension that must be understood (crit)", () => {
    expect(refusalOf(forge({ alg: "HS256", crit: ["b64"], b64: true }, claims))).toBe("token_invalid");
  });
});

describe("claims", () => {
  it.each([
    ["exp missing", { exp: undefined }],
    ["exp a float", { exp: NOW + 60.5 }],
    ["exp a text", { exp: String(NOW + 60) }],
    ["exp after the year 9999", { exp: 253_402_300_800 }],
    ["exp huge", { exp: 1e300 }],
    ["exp negative", { exp: -1 }],
    ["exp null", { exp: null }],
    ["nbf in the future", { nbf: NOW + 1 }],
    ["nbf a text", { nbf: "0" }],
    ["sub missing", { sub: undefined }],
    ["sub empty", { sub: "" }],
    ["sub a number", { sub: 42 }],
    ["sub with a control character", { sub: "a\u0000b" }],
    ["sub too long", { sub: "é".repeat(129) }],
    ["sub broken Unicode", { sub: "\ud800" }],
  ])("%s", (_, change) => {
    expect(refusalOf(hs256({ ...claims, ...change }))).toBe("token_invalid");
    expect(refusalOf(hs256({ ...claims, ...change }), {}, { ignoreExpiration: true })).toBe("token_invalid");
  });

  it("accepts the last second of the year 9999 and an nbf that has come", () => {
    expect(refusalOf(hs256({ ...claims, exp: 253_402_300_799, nbf: NOW }))).toBe("accepted");
  });

  it("checks issuer and audience when they are set", () => {
    const expected = { jwtIssuer: "https://id", jwtAudience: "photos" };
    expect(refusalOf(hs256({ ...claims, iss: "https://id", aud: ["x", "photos"] }), expected)).toBe(
      "accepted",
    );
    expect(refusalOf(hs256({ ...claims, iss: "https://evil", aud: "photos" }), expected)).toBe(
      "token_invalid",
    );
    expect(refusalOf(hs256({ ...claims, iss: "https://id", aud: "other" }), expected)).toBe("token_invalid");
    expect(refusalOf(hs256({ ...claims, iss: ["https://id"], aud: "photos" }), expected)).toBe(
      "token_invalid",
    );
    expect(refusalOf(hs256(claims), expected)).toBe("token_invalid");
  });

  it("has no tolerance at exp, and says expired only when all else is right", () => {
    const expired = { ...claims, exp: NOW };
    expect(refusalOf(hs256({ ...claims, exp: NOW + 1 }))).toBe("accepted");
    expect(refusalOf(hs256(expired))).toBe("token_expired");
    expect(refusalOf(hs256(expired), {}, { ignoreExpiration: true })).toBe("accepted");
    expect(refusalOf(hs256(expired, OTHER))).toBe("token_invalid");
    expect(refusalOf(hs256({ ...expired, sub: "" }))).toBe("token_invalid");
    expect(refusalOf(hs256(expired), { jwtIssuer: "https://id" })).toBe("token_invalid");
    expect(refusalOf(hs256(expired, OTHER), {}, { ignoreExpiration: true })).toBe("token_invalid");
  });
});

describe("shapes", () => {
  it("tells missing from invalid, and refuses giants before decoding them", () => {
    expect(refusalOf(null)).toBe("token_missing");
    expect(refusalOf("")).toBe("token_missing");
    expect(refusalOf(hs256({ ...claims, pad: "x".repeat(8_192) }))).toBe("token_invalid");
    expect(refusalOf("x".repeat(1_000_000))).toBe("token_invalid");
  });

  it.each([
    "a",
    "a.b",
    "a.b.c",
    "...",
    "a.b.c.d",
    "e30.e30.",
    "\u0000",
    `${hs256(claims)}x`,
    ` ${hs256(claims)}`,
  ])("refuses %j", (token) => {
    expect(refusalOf(token)).toBe("token_invalid");
  });

  it.each(["[]", "5", '"x"', "null", "{", ""])("refuses the payload %s", (payload) => {
    expect(refusalOf(hs256(payload))).toBe("token_invalid");
  });
});

describe("anything at all", () => {
  it("is refused with token_invalid, however it is signed, and breaks nothing", () => {
    const header = fc.record({
      alg: fc.constantFrom("HS256", "none", "RS256", 5, null),
      typ: fc.constant("JWT"),
    });
    const token = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.tuple(fc.oneof(header, fc.object()), fc.jsonValue()).map(([head, payload]) => forge(head, payload)),
      fc.array(fc.base64String(), { minLength: 3, maxLength: 3 }).map((parts) => parts.join(".")),
    );
    fc.assert(
      fc.property(token, (text) => {
        expect(refusalOf(text)).toBe("token_invalid");
      }),
      { numRuns: 500 },
    );
  });
});

describe("with jwks-url alone", () => {
  it("every token is refused, since no key is fetched yet", () => {
    const noKeys = { jwtSecret: null, jwksUrl };
    for (const options of [{}, { ignoreExpiration: true }]) {
      expect(refusalOf(hs256(claims), noKeys, options)).toBe("token_invalid");
      expect(refusalOf(forge({ alg: "none" }, claims, null), noKeys, options)).toBe("token_invalid");
      expect(refusalOf("", noKeys, options)).toBe("token_missing");
    }
  });
});

describe("keys that can't be used stop the start", () => {
  const weak = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const pkcs8 = rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const jwtPublicKey = [pemOf(rsa.publicKey)];
  it.each([
    ["no key", { jwtSecret: null }],
    ["no key", { jwtSecret: [], jwtPublicKey: [] }],
    ["one kind of key", { jwtPublicKey }],
    ["jwt-secret and jwks-url are set together", { jwksUrl }],
    ["HS256 can't be used with public keys", { jwtSecret: null, jwksUrl, jwtAlgorithms: ["HS256"] }],
    ["below 32 bytes", { jwtSecret: ["short"] }],
    ["use jwt-public-key", { jwtSecret: [pemOf(rsa.publicKey)] }],
    ["is a private key", { jwtSecret: null, jwtPublicKey: [pkcs8] }],
    [
      "jwt-public-key 2 is not a public key",
      { jwtSecret: null, jwtPublicKey: [...jwtPublicKey, "nonsense"] },
    ],
    ["below 2048 bits", { jwtSecret: null, jwtPublicKey: [pemOf(weak.publicKey)] }],
    [
      "HS256 can't be used with public keys",
      { jwtSecret: null, jwtPublicKey, jwtAlgorithms: ["RS256", "HS256"] },
    ],
    ["none can't be used", { jwtAlgorithms: ["none"] }],
    ["RS256 can't be used with secrets", { jwtAlgorithms: ["RS256"] }],
    ["allows none that fits", { jwtSecret: null, jwtPublicKey, jwtAlgorithms: ["ES256"] }],
  ])("%s", (message, changes) => {
    expect(() => verifierOf(changes)).toThrow(message);
  });
});
