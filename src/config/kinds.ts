import { isIP } from "node:net";
import { z } from "zod";
import { redisUrlProblem, showRedisUrl } from "../redis/url.ts";
import { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";

/** How one kind of value is written, checked and shown. `T` is what the program gets. */
export interface Kind<T> {
  /** Stands for the value in help texts, for example `<duration>`. */
  readonly placeholder: string;
  /** Takes a string (flag, environment) or a value of the JSON file. Messages of its issues complete "it ...". */
  readonly schema: z.ZodType<T>;
  /** One line for `config print` and the docs; never called for secrets. */
  show(value: T): string;
}

/** What a timer of Node can hold (2^31-1 ms), rounded down to days. */
const MAX_TIMER_MS = 24 * 86_400_000;

export const text: Kind<string> = {
  placeholder: "<text>",
  schema: z.string("must be text").trim().min(1, "must not be empty"),
  show: (value) => value,
};

export const flag: Kind<boolean> = {
  placeholder: "[on|off]",
  schema: z.preprocess(
    (raw) => (typeof raw === "string" ? booleanOf(raw) : raw),
    z.boolean("must be on or off (true, false, yes, no, 1 and 0 do as well)"),
  ),
  show: (value) => (value ? "on" : "off"),
};

export function integer(min: number, max: number): Kind<number> {
  const rule = `must be a whole number from ${min} to ${max}`;
  return {
    placeholder: "<number>",
    schema: z.preprocess(
      (raw) => (typeof raw === "string" && /^\s*-?\d+\s*$/.test(raw) ? Number(raw) : raw),
      z.number(rule).int(rule).min(min, rule).max(max, rule),
    ),
    show: String,
  };
}

export function duration(minMs: number, maxMs: number = MAX_TIMER_MS): Kind<number> {
  const range = `must be from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return {
    placeholder: "<duration>",
    schema: z.preprocess(
      (raw) => measured(raw, parseDuration),
      z
        .number("must be a duration with a unit, such as 100ms, 30s, 5m or 24h")
        .min(minMs, range)
        .max(maxMs, range),
    ),
    show: formatDuration,
  };
}

export function size(minBytes: number, maxBytes: number): Kind<number> {
  const range = `must be from ${formatSize(minBytes)} to ${formatSize(maxBytes)}`;
  return {
    placeholder: "<size>",
    schema: z.preprocess(
      (raw) => measured(raw, parseSize),
      z.number("must be a size with a unit, such as 64KiB or 4MiB").min(minBytes, range).max(maxBytes, range),
    ),
    show: formatSize,
  };
}

export function oneOf<const T extends string>(...values: readonly T[]): Kind<T> {
  return {
    placeholder: `<${values.join("|")}>`,
    schema: z.preprocess(trimmed, z.enum(values, `must be one of ${values.join(", ")}`)),
    show: (value) => value,
  };
}

export function listOf<T extends string>(
  item: z.ZodType<T>,
  placeholder: string,
  min = 0,
): Kind<readonly T[]> {
  return {
    placeholder,
    schema: z.preprocess(
      (raw) =>
        typeof raw === "string"
          ? raw
              .split(",")
              .map((part) => part.trim())
              .filter(Boolean)
          : raw,
      z
        .array(item, "must be a comma separated list (in the file: an array of texts)")
        .min(min, "must not be an empty list"),
    ),
    show: (values) => values.join(","),
  };
}

export function orNull<T>(kind: Kind<T>): Kind<T | null> {
  return {
    placeholder: kind.placeholder,
    schema: kind.schema,
    show: (value) => (value === null ? "" : kind.show(value)),
  };
}

/** RFC 7518 section 3.2: an HMAC key has at least the size of the hash, 32 bytes for SHA-256. */
export const jwtSecrets = listOf(
  z
    .string()
    .refine(
      (secret) => Buffer.byteLength(secret) >= 32,
      "needs at least 32 bytes a secret; make one with: openssl rand -hex 32",
    ),
  "<secret,...>",
);

/** Printable ASCII only: what fits a header as it is (RFC 6750 section 2.1 asks for less). */
export const bearerSecrets = listOf(
  z
    .string()
    .refine(
      (secret) => secret.length >= 32,
      "needs at least 32 characters a token; make one with: openssl rand -hex 32",
    )
    .refine((secret) => /^[!-~]*$/.test(secret), "must be printable ASCII without spaces"),
  "<secret,...>",
);

export const path: Kind<string> = { ...text, placeholder: "<path>" };
/** Paths of PEM files; the settings hold their contents. */
export const pemFiles = listOf(z.string(), "<path,...>");

export const workers: Kind<"auto" | number> = {
  placeholder: "<auto|number>",
  schema: z.preprocess(
    (raw) => (typeof raw === "string" && /^\s*\d+\s*$/.test(raw) ? Number(raw) : trimmed(raw)),
    z.union(
      [z.literal("auto"), z.number().int().min(0).max(256)],
      "must be auto or a whole number from 0 to 256",
    ),
  ),
  show: String,
};

export const httpUrl: Kind<string> = {
  placeholder: "<url>",
  schema: z
    .string("must be a URL")
    .trim()
    .refine(
      (value) => /^https?:$/.test(urlOf(value)?.protocol ?? ""),
      "must be a URL beginning with https:// or http://",
    ),
  show: (value) => value,
};

export const redisUrl: Kind<string> = {
  placeholder: "<url>",
  schema: z
    .string("must be a URL")
    .trim()
    .superRefine((value, context) => {
      const problem = redisUrlProblem(value);
      if (problem !== null) context.addIssue(problem);
    }),
  show: showRedisUrl,
};

export const origins = listOf(
  z
    .string()
    .refine(
      (value) => urlOf(value)?.origin === value && value !== "null",
      "must list origins such as https://app.example.com (no path, no trailing slash, no *)",
    ),
  "<origin,...>",
);

export const proxies = listOf(
  z.string().refine(isAddressOrCidr, "must list IP addresses or CIDR ranges such as 10.0.0.0/8"),
  "<ip or cidr,...>",
);

function booleanOf(raw: string): boolean | string {
  if (/^(on|true|yes|1)$/i.test(raw.trim())) return true;
  return /^(off|false|no|0)$/i.test(raw.trim()) ? false : raw;
}

function measured(raw: unknown, parse: (value: string) => number | null): unknown {
  if (typeof raw === "string") return parse(raw);
  // A bare number has no unit, and guessing one is how a time-out becomes a thousand times too long.
  return raw === 0 ? 0 : null;
}

function trimmed(raw: unknown): unknown {
  return typeof raw === "string" ? raw.trim() : raw;
}

function urlOf(value: string): URL | null {
  return URL.canParse(value) ? new URL(value) : null;
}

function isAddressOrCidr(value: string): boolean {
  const [address = "", bits, ...rest] = value.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
