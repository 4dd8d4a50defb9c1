import { expect, test } from "vitest";
import { environmentFile, settingsTable } from "../../src/config/docs.ts";
import { settingsFor } from "../../src/config/load.ts";
import { envOf, flagOf, settingKeys } from "../../src/config/schema.ts";
import { formatDuration, formatSize, parseDuration, parseSize } from "../../src/config/units.ts";

/** The rows of the settings table of contract.md, split; kept by hand so that a lost setting is noticed. */
const CONTRACT = `host port internal-host internal-port workers jwt-secret jwt-public-key jwks-url jwt-algorithms
  jwt-issuer jwt-audience jwt-user-claim ingest-token admin-token data-dir durability redis redis-stream
  progress-interval job-interval transports heartbeat-interval heartbeat-timeout connect-timeout sse-max-age stall-after
  expire-after retry-grace job-idle job-retention recent max-connections max-connections-per-user max-body max-batch
  max-photos-per-job max-jobs-per-user max-open-photos slow-buffer slow-timeout max-buffered drain-timeout cors-origins
  trusted-proxies tls-cert tls-key tusd-owner ui log-level log-format dev`;

test("the schema has the settings of the contract and no others", () => {
  const expected = CONTRACT.split(/\s+/).map((name) => `--${name}`);
  expect(settingKeys.map(flagOf).sort()).toEqual(expected.sort());
});

test("names of flags and variables come from the key", () => {
  expect(flagOf("maxJobsPerUser")).toBe("--max-jobs-per-user");
  expect(envOf("jwtSecret")).toBe("PROGRESS_HUB_JWT_SECRET");
});

test("defaults are those of the contract, in milliseconds and bytes", () => {
  expect(settingsFor({})).toMatchObject({
    host: "0.0.0.0",
    port: 8080,
    internalHost: "127.0.0.1",
    internalPort: 8081,
    workers: "auto",
    jwtSecret: [],
    jwtAlgorithms: ["HS256"],
    jwtIssuer: null,
    jwtUserClaim: "sub",
    dataDir: "./progress-hub-data",
    durability: "commit",
    redis: null,
    progressInterval: 50,
    jobInterval: 80,
    transports: ["websocket", "polling"],
    heartbeatInterval: 25_000,
    heartbeatTimeout: 20_000,
    connectTimeout: 10_000,
    sseMaxAge: 600_000,
    stallAfter: 10_000,
    expireAfter: 900_000,
    retryGrace: 30_000,
    jobIdle: 30_000,
    jobRetention: 86_400_000,
    recent: 600_000,
    maxConnections: 50_000,
    maxConnectionsPerUser: 20,
    maxBody: 4_194_304,
    maxBatch: 10_000,
    maxPhotosPerJob: 10_000,
    maxJobsPerUser: 1_000,
    maxOpenPhotos: 1_000_000,
    slowBuffer: 65_536,
    slowTimeout: 60_000,
    maxBuffered: 268_435_456,
    drainTimeout: 30_000,
    tusdOwner: "jwt",
    ui: false,
    logLevel: "info",
    logFormat: "json",
    dev: false,
  });
});

test("public keys change the default algorithms", () => {
  expect(settingsFor({ jwtPublicKey: ["pem"] }).jwtAlgorithms).toEqual(["RS256", "ES256"]);
});

test.each([
  ["100ms", 100],
  ["30s", 30_000],
  ["5m", 300_000],
  ["24h", 86_400_000],
  ["1.5s", 1_500],
  ["0", 0],
  ["0ms", 0],
])("duration %s is %d ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "5", "s", "-1s", "1 week", "1e3ms", "NaN", "1m30s", "constructor"])(
  "%j is no duration",
  (text) => {
    expect(parseDuration(text)).toBeNull();
  },
);

test.each([
  ["256KiB", 262_144],
  ["4MiB", 4_194_304],
  ["1MB", 1_000_000],
  ["0", 0],
  ["17B", 17],
])("size %s is %d bytes", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(["4", "4mib", "4 Mib", "-4MiB", "1toString"])("%j is no size", (text) => {
  expect(parseSize(text)).toBeNull();
});

test("what is written is read back", () => {
  for (const ms of [0, 1, 999, 1_000, 61_000, 3_600_000, 86_400_000])
    expect(parseDuration(formatDuration(ms))).toBe(ms);
  for (const bytes of [0, 1, 1_000, 65_536, 4_194_304]) expect(parseSize(formatSize(bytes))).toBe(bytes);
});

test("the docs have a row, and the .env file a line, for each setting", () => {
  const table = settingsTable();
  const env = environmentFile();
  for (const key of settingKeys) {
    expect(table).toContain(`| \`${flagOf(key)}\` | \`${envOf(key)}\` | \`${key}\` |`);
    expect(env).toMatch(new RegExp(`^#${envOf(key)}=`, "m"));
  }
});
