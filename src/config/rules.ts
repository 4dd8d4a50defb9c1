import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import type { ConfigProblem } from "./errors.ts";
import type { SettingKey, Settings } from "./schema.ts";
import { envOf, flagOf } from "./schema.ts";
import type { RawValues } from "./sources.ts";

/**
 * Rules between settings, and on the contents of the files they name. `given` tells what to call a setting; `others`
 * are the problems found before: what is missing is not complained of where one of them explains it.
 */
export function checkRules(
  settings: Settings,
  given: RawValues,
  others: readonly ConfigProblem[],
): ConfigProblem[] {
  const explained = (flag: string) =>
    others.some(({ remedy, fatal }) => fatal === true || (remedy ?? "").includes(flag));
  return [
    ...checkKeyKinds(given),
    ...(settings.dev ? [] : checkMissing(given, explained)),
    ...checkAlgorithms(settings, given),
    ...checkPem(settings, given),
    ...checkOthers(settings, given),
  ];
}

const JWT_KEYS = ["jwtSecret", "jwtPublicKey", "jwksUrl"] as const;
const KEY_FLAGS = JWT_KEYS.map(flagOf).join(", ");

function checkKeyKinds(given: RawValues): ConfigProblem[] {
  const kinds = JWT_KEYS.filter((key) => given.has(key));
  if (kinds.length < 2) return [];
  const origin = kinds.map((key) => labelOf(key, given)).join(" and ");
  return [{ origin, problem: "are different kinds of key", remedy: `give exactly one of ${KEY_FLAGS}` }];
}

function checkMissing(given: RawValues, explained: (name: string) => boolean): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const named = (key: SettingKey) => [flagOf(key), envOf(key), `mean ${key}?`].some(explained);
  if (!JWT_KEYS.some((key) => given.has(key) || named(key))) {
    const problem = "is missing: without a key no user's token can be checked";
    problems.push({ origin: "jwt-secret", problem, remedy: `set one of ${KEY_FLAGS}, or try --dev` });
  }
  if (!given.has("ingestToken") && !named("ingestToken")) {
    const problem = "is missing: without it no producer can send events";
    problems.push({
      origin: "ingest-token",
      problem,
      remedy: "set --ingest-token (openssl rand -hex 32), or try --dev",
    });
  }
  return problems;
}

function checkAlgorithms(settings: Settings, given: RawValues): ConfigProblem[] {
  if (!given.has("jwtAlgorithms")) return [];
  const publicKeys = given.has("jwtPublicKey") || given.has("jwksUrl");
  const wrong = settings.jwtAlgorithms.filter((name) => name.startsWith("HS") === publicKeys);
  if (wrong.length === 0) return [];
  const origin = labelOf("jwtAlgorithms", given);
  // With HMAC allowed, whoever knows the public key could sign with it (RFC 8725 section 2.1).
  return publicKeys
    ? [
        {
          origin,
          problem: `allows ${wrong.join(", ")} beside public keys`,
          remedy: "take RS, ES or PS algorithms",
        },
      ]
    : [
        {
          origin,
          problem: `allows ${wrong.join(", ")} without public keys`,
          remedy: "take HS algorithms, or set --jwt-public-key",
        },
      ];
}

function checkPem(settings: Settings, given: RawValues): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const check = (key: "jwtPublicKey" | "tlsCert" | "tlsKey", what: string, parse: () => unknown): void => {
    try {
      parse();
    } catch {
      problems.push({
        origin: labelOf(key, given),
        problem: `does not hold ${what} in PEM`,
        remedy: "check the file",
      });
    }
  };
  for (const pem of settings.jwtPublicKey) {
    // createPublicKey would derive one from a private key, which has no business on this machine.
    check("jwtPublicKey", "a public key", () =>
      pem.includes("PRIVATE KEY") ? fail() : createPublicKey(pem),
    );
  }
  const { tlsCert, tlsKey } = settings;
  if (tlsCert !== null) check("tlsCert", "a certificate", () => new X509Certificate(tlsCert));
  if (tlsKey !== null) check("tlsKey", "a private key", () => createPrivateKey(tlsKey));
  return problems;
}

function checkOthers(settings: Settings, given: RawValues): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (settings.redisStream !== null && settings.redis === null) {
    problems.push({
      origin: labelOf("redisStream", given),
      problem: "needs a Redis",
      remedy: "set --redis as well",
    });
  }
  if (given.has("tlsCert") !== given.has("tlsKey")) {
    const [has, lacks] = given.has("tlsCert")
      ? (["tlsCert", "tlsKey"] as const)
      : (["tlsKey", "tlsCert"] as const);
    problems.push({
      origin: labelOf(has, given),
      problem: "is only half of what TLS needs",
      remedy: `set ${flagOf(lacks)} too`,
    });
  }
  if (
    settings.port !== 0 &&
    settings.port === settings.internalPort &&
    settings.host === settings.internalHost
  ) {
    const problem = `is the address of the public listener too (${settings.host}:${settings.port})`;
    problems.push({ origin: labelOf("internalPort", given), problem, remedy: "take another port" });
  }
  return problems;
}

function labelOf(key: Parameters<RawValues["get"]>[0], given: RawValues): string {
  return given.get(key)?.label ?? flagOf(key);
}

function fail(): never {
  throw new Error("not acceptable");
}
