const REDACTED = "[redacted]";
/** Shorter ones would hit words that are no secrets. */
const MIN_SECRET_CHARACTERS = 8;
/** What a value in a URL, a header or a sentence ends before; quotes and backslashes too, so that JSON stays JSON. */
const VALUE = String.raw`[^&\s"'\\#;,<>()]+`;

// None of these looks at a character more than a few times: the longest texts come from whoever wants to slow us down.

/** Base64url of a JSON object, with or without the other parts; and three long parts of any kind. */
const JWT = /eyJ[\w-]{7,}(?:\.[\w-]*){0,4}|(?<![\w-])[\w-]{16,}\.[\w-]{16,}\.[\w-]{16,}/g;
/** Also the WebSocket subprotocol `bearer.<token>`. */
const BEARER = new RegExp(String.raw`\b(bearer(?:\s|%20|[+.])+)${VALUE}`, "gi");
const BASIC = /\b(basic(?:\s|%20|\+)+)[\w+/=-]{8,}/gi;
const NAMED = new RegExp(
  String.raw`((?:[a-z]{1,32}[-_])?(?:token|secret|password|apikey)|\bsid)(=|%3d)${VALUE}`,
  "gi",
);
/** A name may be percent-encoded, in whole or in part. */
const PAIR = new RegExp(String.raw`([?&])([\w.~-]{0,32}%[\w.~%-]{1,64})=(${VALUE})`, "g");
const SECRET_NAME = /token|secret|password|apikey|^sid$/i;
const CREDENTIALS = /(:\/\/)[^/\s"'\\@?#]*@/g;
const PRIVATE_KEY = /(-----BEGIN [A-Z ]*PRIVATE KEY-----)[^"]*?(-----END|(?="|$))/g;

const FIELD_NAMES =
  "[\\w-]*(?:token|secret|password|apikey)|authorization|proxy-authorization|cookie|set-cookie|sec-websocket-protocol";
/** In JSON: the name, then its text or the list of its texts. Headers may also come as a list of names and values. */
const FIELD = new RegExp(
  String.raw`("(?:${FIELD_NAMES})"\s*[:,]\s*)("(?:[^"\\]|\\.)*"(?!\s*:)|\[[^\]]*\])`,
  "gi",
);
/** The same in a JSON text that is inside another: each quote has the same backslashes before it. */
const INNER_FIELD = new RegExp(
  String.raw`(?<!\\)(\\+)("(?:${FIELD_NAMES})\1"\s*:\s*)\1"(?:(?!(?<!\\)\1").)*\1"`,
  "gis",
);

/**
 * Takes out of a text whatever looks like a token or another secret, and each of `secrets` wherever it stands, plain or
 * percent-encoded. A line of JSON stays one. Rather too much than too little: it is for logs.
 */
export function createRedactor(secrets: readonly string[] = []): (text: string) => string {
  const known = knownPattern(secrets);
  return (text) => {
    const plain = known === null ? text : text.replace(known, REDACTED);
    return plain
      .replace(FIELD, (_all, name: string, value: string) =>
        value.startsWith("[") ? `${name}["${REDACTED}"]` : `${name}"${REDACTED}"`,
      )
      .replace(INNER_FIELD, `$1$2$1"${REDACTED}$1"`)
      .replace(JWT, REDACTED)
      .replace(BEARER, `$1${REDACTED}`)
      .replace(BASIC, `$1${REDACTED}`)
      .replace(NAMED, `$1$2${REDACTED}`)
      .replace(PAIR, (all, mark: string, name: string) =>
        SECRET_NAME.test(decoded(name)) ? `${mark}${name}=${REDACTED}` : all,
      )
      .replace(CREDENTIALS, `$1${REDACTED}@`)
      .replace(PRIVATE_KEY, `$1${REDACTED}$2`);
  };
}

/** null: there is none. */
function knownPattern(secrets: readonly string[]): RegExp | null {
  const forms = secrets
    .filter((secret) => secret.length >= MIN_SECRET_CHARACTERS)
    .flatMap((secret) => [secret, encodeURIComponent(secret), escaped(secret), escaped(escaped(secret))]);
  if (forms.length === 0) return null;
  // Longest first, or what is left of a longer one would stay.
  const sorted = [...new Set(forms)].sort((a, b) => b.length - a.length);
  return new RegExp(sorted.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|"), "g");
}

/** As it stands in JSON. */
function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
