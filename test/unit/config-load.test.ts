import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { settingsReport } from "../../src/config/docs.ts";
import { ConfigError } from "../../src/config/errors.ts";
import { loadSettings, readSettings, type SettingSources } from "../../src/config/load.ts";
import { notYet } from "../../src/config/not-yet.ts";

const directory = mkdtempSync(join(tmpdir(), "config-test-"));
afterAll(() => rmSync(directory, { recursive: true }));

const SECRET = "s".repeat(32);
const INGEST = "i".repeat(32);
const keys = { jwtSecret: SECRET, ingestToken: INGEST };

function write(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

/** The lines of the ConfigError that loading throws; fails when it throws none. */
function problems(sources: SettingSources): readonly string[] {
  try {
    loadSettings(sources);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  throw new Error("loaded without a problem");
}

describe("precedence", () => {
  test("flag over variable over file over default", () => {
    const file = write("order.json", JSON.stringify({ port: 1, internalPort: 2, maxBatch: 3 }));
    const env = { PROGRESS_HUB_PORT: "11", PROGRESS_HUB_INTERNAL_PORT: "12" };
    const { settings, origins } = loadSettings({ flags: { ...keys, port: "21" }, env, file });
    expect(settings).toMatchObject({ port: 21, internalPort: 12, maxBatch: 3, jwtUserClaim: "sub" });
    expect(origins).toMatchObject({
      port: "--port",
      internalPort: "PROGRESS_HUB_INTERNAL_PORT",
      maxBatch: `${file}: maxBatch`,
      jwtUserClaim: "default",
    });
  });

  test("PROGRESS_HUB_CONFIG names the file where no flag does", () => {
    const file = write("by-env.json", JSON.stringify({ port: 4 }));
    expect(loadSettings({ flags: keys, env: { PROGRESS_HUB_CONFIG: file } }).settings.port).toBe(4);
  });

  test("an empty variable is not set", () => {
    expect(loadSettings({ flags: keys, env: { PROGRESS_HUB_PORT: "" } }).settings.port).toBe(8080);
  });
});

describe("values", () => {
  test("every kind is read from text", () => {
    const env = {
      PROGRESS_HUB_JWT_SECRET: `${SECRET},${"t".repeat(40)}`,
      PROGRESS_HUB_INGEST_TOKEN: INGEST,
      PROGRESS_HUB_PROGRESS_INTERVAL: "0",
      PROGRESS_HUB_MAX_BODY: "256KiB",
      PROGRESS_HUB_TRANSPORTS: "websocket",
      PROGRESS_HUB_UI: "true",
      PROGRESS_HUB_WORKERS: "3",
      PROGRESS_HUB_TRUSTED_PROXIES: "10.0.0.0/8, ::1",
      PROGRESS_HUB_CORS_ORIGINS: "https://app.example.com,http://localhost:5173",
      PROGRESS_HUB_REDIS: "redis-sentinel://a:1,b:2/main",
    };
    expect(loadSettings({ env }).settings).toMatchObject({
      jwtSecret: [SECRET, "t".repeat(40)],
      ingestToken: [INGEST],
      progressInterval: 0,
      maxBody: 262_144,
      transports: ["websocket"],
      ui: true,
      workers: 3,
      trustedProxies: ["10.0.0.0/8", "::1"],
      corsOrigins: ["https://app.example.com", "http://localhost:5173"],
      redis: "redis-sentinel://a:1,b:2/main",
    });
  });

  test("the file may use JSON's own types", () => {
    const json = {
      jwtSecret: [SECRET],
      ingestToken: INGEST,
      port: 9,
      ui: true,
      transports: ["polling"],
      stallAfter: "2s",
    };
    const { settings } = loadSettings({ file: write("types.json", JSON.stringify(json)) });
    expect(settings).toMatchObject({
      jwtSecret: [SECRET],
      port: 9,
      ui: true,
      transports: ["polling"],
      stallAfter: 2_000,
    });
  });

  test.each([
    ["port", "65536", "--port must be a whole number from 0 to 65535, not 65536"],
    ["port", "8o8o", "--port must be a whole number"],
    ["stallAfter", "30", "--stall-after must be a duration with a unit"],
    ["stallAfter", "0", "--stall-after must be from 1ms"],
    ["stallAfter", "30d", "--stall-after must be from 1ms to 24d"],
    ["maxBody", "4", "--max-body must be a size with a unit"],
    ["workers", "-1", "--workers must be auto or a whole number"],
    ["transports", "websocket,carrier-pigeon", "--transports must list websocket, polling or both"],
    ["transports", "", "--transports must not be an empty list"],
    ["jwtUserClaim", " ", "--jwt-user-claim must not be empty"],
    ["corsOrigins", "https://app.example.com/", "--cors-origins must list origins"],
    ["corsOrigins", "*", "--cors-origins must list origins"],
    ["trustedProxies", "10.0.0.0/33", "--trusted-proxies must list IP addresses"],
    ["redis", "http://localhost", "--redis must look like redis://"],
    ["logLevel", "loud", "--log-level must be one of trace, debug"],
    ["ui", "maybe", "--ui must be on or off"],
    ["jwtAlgorithms", "none", "--jwt-algorithms must list algorithms out of HS256"],
  ])("%s %j is refused", (key, value, line) => {
    expect(problems({ flags: { ...keys, [key]: value } })).toEqual([expect.stringContaining(line)]);
  });
});

describe("secrets", () => {
  test.each([
    ["jwtSecret", "x".repeat(31), "--jwt-secret needs at least 32 bytes"],
    ["jwtSecret", `${SECRET},short`, "--jwt-secret needs at least 32 bytes"],
    ["ingestToken", "x".repeat(31), "--ingest-token needs at least 32 characters"],
    ["adminToken", "ä".repeat(32), "--admin-token must be printable ASCII"],
  ])("%s: a weak one is refused and not shown", (key, value, line) => {
    const found = problems({ flags: { ...keys, [key]: value } });
    expect(found).toEqual([expect.stringContaining(line)]);
    expect(found.join()).not.toContain(value);
  });

  test("bytes count, not characters", () => {
    expect(loadSettings({ flags: { ...keys, jwtSecret: "ä".repeat(16) } }).settings.jwtSecret).toEqual([
      "ä".repeat(16),
    ]);
  });

  test("the report shows neither secrets nor the password of Redis", () => {
    const flags = {
      ...keys,
      adminToken: `${"a".repeat(32)},${"b".repeat(32)}`,
      redis: "redis://me:hunter2@cache:6379",
    };
    const report = settingsReport(loadSettings({ flags }));
    expect(report).not.toMatch(/s{32}|i{32}|a{32}|hunter2/);
    expect(report).toMatch(/^adminToken +\(secret\) x 2 +--admin-token$/m);
    expect(report).toMatch(/^redis +redis:\/\/\*\*\*@cache:6379 +--redis$/m);
  });

  test("a config file that is not JSON is not quoted", () => {
    const [line = "", ...others] = problems({
      file: write("broken.json", `{"jwtSecret": "${SECRET}"\n "port": 1}`),
    });
    expect(line).toMatch(/^--config .*broken\.json is not JSON \(line 2\)/);
    expect(line).not.toContain(SECRET);
    expect(others).toEqual([]);
  });
});

describe("keys", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const publicPath = write("public.pem", pem);
  const privatePath = write("private.pem", privateKey.export({ type: "pkcs8", format: "pem" }).toString());

  test("none without --dev refuses, and names both that are missing", () => {
    expect(problems({})).toEqual([
      expect.stringMatching(
        /^jwt-secret is missing.*--jwt-secret, --jwt-public-key, --jwks-url, or try --dev/,
      ),
      expect.stringMatching(/^ingest-token is missing.*--ingest-token/),
    ]);
  });

  test("two kinds refuse", () => {
    const found = problems({ flags: { ...keys, jwtPublicKey: publicPath } });
    expect(found).toEqual([
      expect.stringMatching(/^--jwt-secret and --jwt-public-key are different kinds of key/),
    ]);
  });

  test("public keys are read, several of them", () => {
    const flags = { jwtPublicKey: `${publicPath},${publicPath}`, ingestToken: INGEST };
    const { settings } = loadSettings({ flags });
    expect(settings).toMatchObject({
      jwtPublicKey: [pem, pem],
      jwtAlgorithms: ["RS256", "ES256"],
      jwtSecret: [],
    });
  });

  test("HMAC beside public keys refuses", () => {
    const flags = { jwtPublicKey: publicPath, ingestToken: INGEST, jwtAlgorithms: "ES256,HS256" };
    expect(problems({ flags })).toEqual([
      expect.stringMatching(/^--jwt-algorithms allows HS256 beside public keys/),
    ]);
  });

  test("public-key algorithms without public keys refuse", () => {
    const found = problems({ flags: { ...keys, jwtAlgorithms: "RS256" } });
    expect(found).toEqual([expect.stringMatching(/^--jwt-algorithms allows RS256 without public keys/)]);
  });

  test.each([
    [
      "unreadable",
      "/does/not/exist.pem",
      /^--jwt-public-key names \/does\/not\/exist\.pem, which can't be read \(ENOENT\)/,
    ],
    ["no PEM", write("no.pem", "hello"), /^--jwt-public-key does not hold a public key/],
    ["a private key", privatePath, /^--jwt-public-key does not hold a public key/],
  ])("a key file that is %s gives one line", (_what, path, line) => {
    expect(problems({ flags: { jwtPublicKey: path, ingestToken: INGEST } })).toEqual([
      expect.stringMatching(line),
    ]);
  });

  test("TLS needs both halves, and readable ones", () => {
    expect(problems({ flags: { ...keys, tlsKey: privatePath } })).toEqual([
      expect.stringMatching(/^--tls-key is only half of what TLS needs; set --tls-cert/),
    ]);
    expect(problems({ flags: { ...keys, tlsKey: privatePath, tlsCert: "/does/not/exist" } })).toEqual([
      expect.stringMatching(/^--tls-cert names \/does\/not\/exist, which can't be read/),
    ]);
  });

  test("a Redis Stream needs a Redis", () => {
    expect(problems({ flags: { ...keys, redisStream: "uploads" } })).toEqual([
      expect.stringMatching(/^--redis-stream needs a Redis/),
    ]);
  });

  test("an unreadable config file gives one line", () => {
    expect(problems({ file: "/does/not/exist.json" })).toEqual([
      expect.stringMatching(/^--config \/does\/not\/exist\.json can't be read \(ENOENT\)/),
    ]);
  });
});

describe("unknown names", () => {
  test("each source names the nearest known one, all at once", () => {
    const file = write("unknown.json", JSON.stringify({ jwtSekret: "x", port: "high" }));
    const found = problems({
      flags: { ingestTokne: true, maxBody: "3" },
      env: { PROGRESS_HUB_PROT: "1" },
      file,
    });
    expect(found).toEqual([
      `${file}: jwtSekret is an unknown key; did you mean jwtSecret?`,
      "PROGRESS_HUB_PROT is an unknown variable; did you mean PROGRESS_HUB_PORT?",
      "--ingest-tokne is an unknown flag; did you mean --ingest-token?",
      `${file}: port must be a whole number from 0 to 65535, not high`,
      expect.stringMatching(/^--max-body must be a size/),
    ]);
  });

  test("nothing near: says where all are listed", () => {
    expect(problems({ flags: { ...keys, xyzzyxyzzy: "1" } })).toEqual([
      expect.stringMatching(/^--xyzzyxyzzy is an unknown flag; .*config docs/),
    ]);
  });

  test.each(["constructor", "__proto__", "toString"])("%s is no key", (key) => {
    const file = write("proto.json", `{${JSON.stringify(key)}: 1}`);
    expect(problems({ flags: keys, file })).toEqual([expect.stringContaining(`${key} is an unknown key`)]);
  });

  test("variables that Kubernetes injects are ignored with one warning", () => {
    const env = {
      PROGRESS_HUB_SERVICE_HOST: "10.0.0.1",
      PROGRESS_HUB_SERVICE_PORT: "80",
      PROGRESS_HUB_SERVICE_PORT_HTTP: "80",
      PROGRESS_HUB_PORT: "tcp://10.0.0.1:80",
      PROGRESS_HUB_PORT_80_TCP: "tcp://10.0.0.1:80",
      PROGRESS_HUB_PORT_80_TCP_ADDR: "10.0.0.1",
    };
    const { settings, warnings } = loadSettings({ flags: keys, env });
    expect(settings.port).toBe(8080);
    expect(warnings).toEqual([
      expect.stringMatching(/^ignored PROGRESS_HUB_PORT, .*_TCP_ADDR, .*: Kubernetes/),
    ]);
  });
});

describe("--dev", () => {
  test("makes secrets, binds to this machine, turns the pages on", () => {
    const { settings, origins } = loadSettings({ flags: { dev: "on" } });
    expect(settings).toMatchObject({ host: "127.0.0.1", ui: true, dataDir: null });
    for (const key of ["jwtSecret", "ingestToken", "adminToken"] as const) {
      expect(settings[key]).toEqual([expect.stringMatching(/^.{32,}$/)]);
      expect(origins[key]).toBe("--dev");
    }
    expect(loadSettings({ flags: { dev: "on" } }).settings.jwtSecret).not.toEqual(settings.jwtSecret);
  });

  test("what is given stays", () => {
    const { settings } = loadSettings({
      flags: { ...keys, dev: "on", host: "0.0.0.0", ui: "off", dataDir: "x" },
    });
    expect(settings).toMatchObject({
      host: "0.0.0.0",
      ui: false,
      dataDir: "x",
      jwtSecret: [SECRET],
      ingestToken: [INGEST],
    });
  });
});

describe("log format", () => {
  test.each([
    [true, {}, "pretty"],
    [false, {}, "json"],
    [true, { logFormat: "json" }, "json"],
  ])("terminal %s, given %j: %s", (terminal, given, expected) => {
    expect(loadSettings({ flags: { ...keys, ...given }, terminal }).settings.logFormat).toBe(expected);
  });
});

describe("what a later version brings", () => {
  const lines = (flags: Record<string, string>): readonly string[] =>
    notYet(readSettings({ flags: { ...keys, ...flags } }));

  test("nothing is said of what has an effect", () => {
    expect(lines({})).toEqual([]);
    expect(lines({ dataDir: "d", durability: "sync" })).toEqual([]);
    expect(lines({ redis: "redis://h", redisStream: "s", ui: "on" })).toEqual([]);
    expect(lines({ dev: "on" })).toEqual([]);
  });

  test("JWKS is accepted, and says that no token is", () => {
    const read = readSettings({ flags: { jwksUrl: "https://id.example.com/jwks", ingestToken: INGEST } });
    expect(read.problems).toEqual([]);
    expect(notYet(read)).toEqual([
      "jwks-url comes with a later version: until then every user's token is refused",
    ]);
  });
});
