import { z } from "zod";
import * as kind from "./kinds.ts";

/** One setting: its flag, environment variable, file key, help and docs all come from here. */
export interface Setting<T> {
  readonly kind: kind.Kind<T>;
  readonly default: T;
  /** One line of docs; says what 0 or nothing means where that is not plain. */
  readonly doc: string;
  /** Shown in place of the default where it depends on something else. */
  readonly defaultDoc?: string;
  /** Never printed. */
  readonly secret?: true;
  /** A password may be in it: shown by its kind alone, never quoted where it is wrong. */
  readonly holdsPassword?: true;
  /** The value names PEM files; the settings hold what is in them. */
  readonly holdsFiles?: true;
  readonly group: Group;
}

type Group = "Listeners" | "Tokens" | "Store" | "Progress" | "Connections" | "Limits" | "Operation";

const ALGORITHMS = [
  ...(["HS256", "HS384", "HS512", "RS256", "RS384", "RS512"] as const),
  ...(["ES256", "ES384", "ES512", "PS256", "PS384", "PS512"] as const),
] as const;
const algorithm = z.enum(ALGORITHMS, `must list algorithms out of ${ALGORITHMS.join(", ")}`);
const transport = z.enum(["websocket", "polling"], "must list websocket, polling or both");
const YEAR_MS = 365 * 86_400_000;
const GIB = 1_073_741_824;

/**
 * Every setting of the hub, once. The key is the key of the JSON file and of `Settings`; the flag is its kebab-case,
 * the environment variable its upper snake case behind `PROGRESS_HUB_`.
 */
export const schema = {
  host: setting("Listeners", kind.text, "0.0.0.0", "address of the public listener, for clients", {
    defaultDoc: "0.0.0.0 (127.0.0.1 with --dev)",
  }),
  port: setting("Listeners", kind.integer(0, 65_535), 8080, "port of the public listener; 0: any free one"),
  internalHost: setting(
    "Listeners",
    kind.text,
    "127.0.0.1",
    "address of the internal listener: ingest, metrics, health, admin",
  ),
  internalPort: setting(
    "Listeners",
    kind.integer(0, 65_535),
    8081,
    "port of the internal listener; 0: any free one",
  ),
  corsOrigins: setting(
    "Listeners",
    kind.origins,
    [],
    "origins browsers may connect from; none: only the hub's own",
  ),
  trustedProxies: setting(
    "Listeners",
    kind.proxies,
    [],
    "proxies whose X-Forwarded-For counts; none: nobody's",
  ),
  tlsCert: setting(
    "Listeners",
    kind.orNull(kind.path),
    null,
    "PEM file with the certificate of the public listener",
    {
      holdsFiles: true,
    },
  ),
  tlsKey: setting("Listeners", kind.orNull(kind.path), null, "PEM file with the key of the certificate", {
    holdsFiles: true,
    secret: true,
  }),

  jwtSecret: setting(
    "Tokens",
    kind.jwtSecrets,
    [],
    "HMAC secrets of the users' tokens, 32 bytes or more each",
    {
      secret: true,
    },
  ),
  jwtPublicKey: setting("Tokens", kind.pemFiles, [], "PEM files with public keys of the users' tokens", {
    holdsFiles: true,
  }),
  jwksUrl: setting(
    "Tokens",
    kind.orNull(kind.httpUrl),
    null,
    "JWKS address with the public keys of the users' tokens",
  ),
  jwtAlgorithms: setting(
    "Tokens",
    kind.listOf(algorithm, "<name,...>", 1),
    ["HS256"],
    "accepted signature algorithms; HMAC is never accepted beside public keys",
    { defaultDoc: "HS256 (RS256,ES256 with public keys)" },
  ),
  jwtIssuer: setting("Tokens", kind.orNull(kind.text), null, "required `iss`; none: any"),
  jwtAudience: setting("Tokens", kind.orNull(kind.text), null, "required `aud`; none: any"),
  jwtUserClaim: setting("Tokens", kind.text, "sub", "claim that names the user"),
  ingestToken: setting(
    "Tokens",
    kind.bearerSecrets,
    [],
    "secrets for sending events, 32 characters or more each",
    {
      secret: true,
    },
  ),
  adminToken: setting("Tokens", kind.bearerSecrets, [], "secrets for the admin routes; none: these are off", {
    secret: true,
  }),
  tusdOwner: setting(
    "Tokens",
    kind.oneOf("jwt", "metadata"),
    "jwt",
    "owner of a tusd upload: the subject of the user's token, or `MetaData.userId`",
  ),

  dataDir: setting("Store", kind.orNull(kind.path), "./progress-hub-data", "folder of the embedded store", {
    defaultDoc: "./progress-hub-data (a temporary one with --dev)",
  }),
  durability: setting(
    "Store",
    kind.oneOf("commit", "sync", "none"),
    "commit",
    "what an acknowledged event survives: commit, any process death; sync, also power loss; none, nothing",
  ),
  redis: setting(
    "Store",
    kind.orNull(kind.redisUrl),
    null,
    "Redis 7 or Valkey as the store of one or more hubs, instead of the embedded one",
    {
      holdsPassword: true,
    },
  ),
  redisStream: setting(
    "Store",
    kind.orNull(kind.text),
    null,
    "Redis Stream to consume events from; needs redis",
  ),

  progressInterval: setting(
    "Progress",
    kind.duration(0),
    50,
    "least time between messages of a photo; 0: every change",
  ),
  jobInterval: setting(
    "Progress",
    kind.duration(0),
    80,
    "least time between messages of a job; 0: every change",
  ),
  stallAfter: setting(
    "Progress",
    kind.duration(1),
    10_000,
    "an upload without new bytes for so long is `stalled`",
  ),
  expireAfter: setting(
    "Progress",
    kind.duration(1),
    900_000,
    "an upload without events for so long has failed",
  ),
  retryGrace: setting(
    "Progress",
    kind.duration(0),
    30_000,
    "a job waits so long for a retry of failed photos; 0: not",
  ),
  jobIdle: setting(
    "Progress",
    kind.duration(0),
    30_000,
    "a job of unknown size ends when settled and silent for so long",
  ),
  jobRetention: setting(
    "Progress",
    kind.duration(0, YEAR_MS),
    86_400_000,
    "ended jobs are kept for so long; 0: not",
  ),
  recent: setting(
    "Progress",
    kind.duration(0, YEAR_MS),
    600_000,
    "ended jobs are in snapshots for so long; 0: not",
  ),

  transports: setting(
    "Connections",
    kind.listOf(transport, "<websocket,polling>", 1),
    ["websocket", "polling"],
    "transports of Socket.IO",
  ),
  heartbeatInterval: setting("Connections", kind.duration(1), 25_000, "time between heartbeats"),
  heartbeatTimeout: setting(
    "Connections",
    kind.duration(1),
    20_000,
    "a heartbeat unanswered for so long ends the connection",
  ),
  connectTimeout: setting(
    "Connections",
    kind.duration(1),
    10_000,
    "a client must say who it is within this time",
  ),
  sseMaxAge: setting(
    "Connections",
    kind.duration(1),
    600_000,
    "an SSE stream is ended at 80-100 % of this, and comes back",
  ),
  slowBuffer: setting(
    "Connections",
    kind.size(1, GIB),
    65_536,
    "a connection with more than this unsent is held",
  ),
  slowTimeout: setting("Connections", kind.duration(1), 60_000, "a connection held for so long is closed"),
  drainTimeout: setting(
    "Connections",
    kind.duration(0),
    30_000,
    "connections have so long to leave on shutdown; 0: none",
  ),

  maxConnections: setting("Limits", kind.integer(1, 10_000_000), 50_000, "connections a gateway"),
  maxConnectionsPerUser: setting(
    "Limits",
    kind.integer(1, 100_000),
    20,
    "connections a user; the oldest goes first",
  ),
  maxBody: setting("Limits", kind.size(1, GIB), 4_194_304, "bytes of one request with events"),
  maxBatch: setting("Limits", kind.integer(1, 1_000_000), 10_000, "events of one request"),
  maxPhotosPerJob: setting("Limits", kind.integer(1, 10_000_000), 10_000, "photos a job"),
  maxJobsPerUser: setting(
    "Limits",
    kind.integer(1, 1_000_000),
    1_000,
    "jobs a user; the oldest ended one goes first",
  ),
  maxOpenPhotos: setting(
    "Limits",
    kind.integer(1, 100_000_000),
    1_000_000,
    "photos that have not come to an ending, in the whole hub; no limit with redis",
  ),
  maxBuffered: setting(
    "Limits",
    kind.size(1, 1_024 * GIB),
    268_435_456,
    "unsent bytes of all connections of a gateway",
  ),

  workers: setting(
    "Operation",
    kind.workers,
    "auto",
    "gateway processes; auto: cores - 1, at least 1; 0: one process for all",
  ),
  ui: setting(
    "Operation",
    kind.flag,
    false,
    "serve the pages: uploads at / of the public listener, operations at / of the internal one",
    { defaultDoc: "off (on with --dev)" },
  ),
  logLevel: setting(
    "Operation",
    kind.oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent"),
    "info",
    "least level that is logged",
  ),
  logFormat: setting(
    "Operation",
    kind.oneOf("json", "pretty"),
    "json",
    "format of the log, which goes to stderr",
    {
      defaultDoc: "json (pretty on a terminal)",
    },
  ),
  dev: setting(
    "Operation",
    kind.flag,
    false,
    "for development: ephemeral secrets, 127.0.0.1, the pages, ready-to-paste commands",
  ),
} as const;

export type SettingKey = keyof typeof schema;

/** Camel-case keys; durations in milliseconds, sizes in bytes, files as their contents, absent: null or an empty list. */
export type Settings = {
  readonly [K in SettingKey]: (typeof schema)[K] extends Setting<infer T> ? T : never;
};

export const settingKeys: readonly SettingKey[] = Object.keys(schema).filter(isSettingKey);

export function isSettingKey(key: unknown): key is SettingKey {
  return typeof key === "string" && Object.hasOwn(schema, key);
}

/** `jwtSecret` is `--jwt-secret`. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `jwtSecret` is `PROGRESS_HUB_JWT_SECRET`. */
export function envOf(key: string): string {
  return `PROGRESS_HUB_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** The setting with its value's type forgotten: for tables and help texts. */
export function settingOf(key: SettingKey): Setting<unknown> {
  return schema[key];
}

function setting<T>(
  group: Group,
  valueKind: kind.Kind<T>,
  defaultValue: NoInfer<T>,
  doc: string,
  more: Pick<Setting<T>, "defaultDoc" | "secret" | "holdsPassword" | "holdsFiles"> = {},
): Setting<T> {
  return { group, kind: valueKind, default: defaultValue, doc, ...more };
}
