import { PassThrough } from "node:stream";
import jsonwebtoken from "jsonwebtoken";
import { describe, expect, test } from "vitest";
import { settingsFor } from "../../src/config/load.ts";
import type { Settings } from "../../src/config/schema.ts";
import { secretsOf } from "../../src/config/secrets.ts";
import { createLog } from "../../src/log.ts";
import { createRedactor } from "../../src/redact.ts";

const INGEST = "ingest+secret/of=32-characters-or-more";
const JWT_SECRET = 'jwt-"secret"-of-32-characters-or-more';
const JWT = jsonwebtoken.sign({ sub: "auth0|42" }, JWT_SECRET);
const OPAQUE = "Zm9vYmFyYmF6cXV4Zm9vYmFy";

/** A log and what it has written so far. */
function logTo(overrides: Partial<Settings> = {}) {
  const stderr = new PassThrough();
  const settings = settingsFor({
    jwtSecret: [JWT_SECRET],
    ingestToken: [INGEST],
    logLevel: "trace",
    logFormat: "json",
    ...overrides,
  });
  return {
    log: createLog({ settings, secrets: secretsOf(settings), stderr, processName: "gateway-1" }),
    text: () => String(stderr.read() ?? ""),
  };
}

describe("nothing of a secret is left in", () => {
  const url = `http://hub:8081/api/v1/hooks/tusd?a=1&access_token=${OPAQUE}&b=2`;
  test.each<[string, unknown]>([
    ["a JWT", JWT],
    ["a JWT in a sentence", `The token ${JWT}, can't be verified`],
    ["two parts of a JWT", JWT.split(".").slice(0, 2).join(".")],
    ["a URL", url],
    ["an encoded URL", `/login?next=${encodeURIComponent(url)}`],
    ["a name that is encoded", `/x?%61ccess%5Ftoken=${OPAQUE}`],
    ["other names in a URL", `/x?token=${OPAQUE}&sid=${OPAQUE}&client_secret=${OPAQUE}&password=${OPAQUE}`],
    ["a subprotocol", `progress-hub.v1, bearer.${OPAQUE}`],
    [
      "headers",
      { authorization: `Bearer ${OPAQUE}`, cookie: `a=${OPAQUE}`, "set-cookie": [OPAQUE, `b=${OPAQUE}`] },
    ],
    ["headers of any case", { Authorization: `Basic ${OPAQUE}`, "Proxy-Authorization": OPAQUE }],
    ["headers as a list", ["Host", "hub", "Cookie", OPAQUE, "Authorization", `Digest ${OPAQUE}`]],
    ["the header of a subprotocol", { "sec-websocket-protocol": `progress-hub.v1, ${OPAQUE}` }],
    ["fields", { token: OPAQUE, auth: { token: OPAQUE }, refresh_token: OPAQUE, accessToken: OPAQUE }],
    ["settings", { ingestToken: [OPAQUE, "another"], jwtSecret: [OPAQUE], redisPassword: OPAQUE }],
    ["JSON in a text", JSON.stringify({ type: "refresh", token: `${OPAQUE}"x` })],
    ["JSON in JSON in a text", JSON.stringify({ frame: JSON.stringify({ token: OPAQUE }) })],
    ["credentials in an address", `redis://user:${OPAQUE}@redis:6379/0`],
    ["a private key", `-----BEGIN PRIVATE KEY-----\n${OPAQUE}\n-----END PRIVATE KEY-----`],
    ["a secret of the settings", `no such word: ${INGEST}`],
    ["the same, encoded", `/x?y=${encodeURIComponent(INGEST)}`],
    ["a secret with quotes", `in text ${JWT_SECRET} and ${JSON.stringify(JWT_SECRET)}`],
    ["an error", new Error(`can't read ${url}`, { cause: new Error(`Authorization: Bearer ${OPAQUE}`) })],
    [
      "a field of an error",
      Object.assign(new Error("refused"), { config: { headers: { authorization: OPAQUE } } }),
    ],
  ])("%s", (_what, value) => {
    const { log, text } = logTo();
    log.info({ value, err: value }, "with fields");
    if (typeof value === "string") log.info(value);
    log.child({ bound: value }).error(Array.isArray(value) ? { value } : value);
    const written = text();
    for (const part of [...JWT.split("."), OPAQUE, INGEST, encodeURIComponent(INGEST), "of-32-characters"])
      expect(written).not.toContain(part);
    expect(written).toContain("[redacted]");
    for (const line of written.trim().split("\n")) {
      expect(JSON.parse(line)).toMatchObject({ process: "gateway-1", pid: process.pid });
    }
  });

  test("the pretty log", () => {
    const { log, text } = logTo({ logFormat: "pretty" });
    log.warn({ url: `/x?access_token=${OPAQUE}`, token: OPAQUE }, `of ${JWT}`);
    expect(text()).not.toMatch(new RegExp(`${OPAQUE}|${JWT}`));
  });
});

test("what is no secret stays as it is", () => {
  const redact = createRedactor([INGEST]);
  const lines = [
    JSON.stringify({ code: "token_expired", msg: "connection refused", transport: "sse", tokens: 3 }),
    JSON.stringify({ url: "/api/v1/upload-progress/job-1?since=m5-17&wait=25s", userId: "auth0|42" }),
    JSON.stringify({ connection: "gateway-1:17", requestId: "7f2c-4d", path: "/ws/upload-progress" }),
    "the ingest token is missing; see Authorization: Bearer <ingest-token>",
    "at Socket.emit (node:events:519:28) file:///opt/progress-hub/dist/src/gateway/main.js:10:3",
    "photo.upload.progressed of 0123456789abcdef0123456789abcdef",
  ];
  for (const line of lines) expect(redact(line)).toBe(line);
});

test("a redactor is quick, whatever it is given", () => {
  const redact = createRedactor([INGEST]);
  const hostile = [
    '"token":"',
    "\\".repeat(20_000),
    '\\"token\\":\\"'.repeat(5_000),
    "?%".repeat(20_000),
    "a-".repeat(20_000),
    "a".repeat(50_000),
    `?${"%".repeat(50_000)}`,
    "://".repeat(20_000),
    "bearer.".repeat(10_000),
  ];
  const startMs = performance.now();
  for (const text of hostile) redact(text);
  expect(performance.now() - startMs).toBeLessThan(2_000);
});

test("pretty: one line an entry, with its time, level, process, message and fields", () => {
  const { log, text } = logTo({ logFormat: "pretty", logLevel: "info" });
  log.info({ maxConnections: 5, nested: { a: 1 } }, "connections a gateway takes");
  log.debug("not at this level");
  expect(text()).toMatch(
    /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO gateway-1: connections a gateway takes \{"maxConnections":5,"nested":\{"a":1\}\}\n$/,
  );
});
