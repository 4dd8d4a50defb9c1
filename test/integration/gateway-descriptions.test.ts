import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { errorCatalogue } from "../../src/errors.ts";
import { CONTROL_TYPES, STATE_TYPES } from "../clients/watcher.ts";
import { type Watcher, watchers } from "../clients.ts";
import { event } from "../events.ts";
import { ADMIN_TOKEN, startTestHub, type TestHub, toCloudEvent } from "../hub.ts";

type Json = Readonly<Record<string, unknown>>;

let hub: TestHub;
let openapi: Json;
let asyncapi: Json;
let ajv: Ajv2020;

beforeAll(async () => {
  hub = await startTestHub({ adminToken: [ADMIN_TOKEN] });
  [openapi, asyncapi] = await Promise.all([document("/openapi.json"), document("/asyncapi.json")]);
  ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
    formats: { "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ },
  });
  // Strict, so that a misspelled keyword of a schema is found; the documents' own fields are none.
  ajv.addVocabulary([...new Set([...Object.keys(openapi), ...Object.keys(asyncapi)])]);
  ajv.addSchema(openapi, "openapi").addSchema(asyncapi, "asyncapi");
});

afterAll(() => hub.close());

async function document(path: string): Promise<Json> {
  const answer = await fetch(`${hub.publicUrl}${path}`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("application/json");
  return (await answer.json()) as Json;
}

function validatorOf(pointer: string): ValidateFunction {
  const validate = ajv.getSchema(pointer);
  if (validate === undefined) throw new Error(`no schema at ${pointer}`);
  return validate;
}

/** What the schema has against the value; null: nothing. */
function faultsOf(pointer: string, value: unknown): string | null {
  const validate = validatorOf(pointer);
  return validate(value) ? null : `${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`;
}

const messageFaults = (name: string, message: unknown) =>
  faultsOf(`asyncapi#/components/messages/${name}/payload`, message);
const componentFaults = (name: string, value: unknown) =>
  faultsOf(`openapi#/components/schemas/${name}`, value);

/** Every `code` named under a value, by the HTTP status it is named under. */
function codesUnder(
  value: unknown,
  status: string,
  found: Map<string, Set<string>>,
): Map<string, Set<string>> {
  if (typeof value !== "object" || value === null) return found;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "code" && typeof inner === "object" && inner !== null && "enum" in inner) {
      const named = Array.isArray(inner.enum) ? inner.enum.map(String) : [];
      found.set(status, new Set([...(found.get(status) ?? []), ...named]));
    }
    codesUnder(inner, /^\d{3}$/.test(key) ? key : status, found);
  }
  return found;
}

test.each(["/openapi.json", "/asyncapi.json"])("%s: HEAD, caching, and no other method", async (path) => {
  const get = await fetch(`${hub.publicUrl}${path}`);
  const head = await fetch(`${hub.publicUrl}${path}`, { method: "HEAD" });
  expect(get.headers.get("cache-control")).toMatch(/^public, max-age=[1-9]/);
  expect(head.headers.get("content-length")).toBe(String((await get.arrayBuffer()).byteLength));
  const etag = get.headers.get("etag") ?? "";
  const again = await fetch(`${hub.publicUrl}${path}`, { headers: { "if-none-match": `W/${etag}` } });
  expect(again.status).toBe(304);
  expect((await fetch(`${hub.publicUrl}${path}`, { method: "POST" })).status).toBe(405);
});

test("the versions, and every path and message that there is", () => {
  expect(openapi).toMatchObject({ openapi: "3.1.0", info: { version: "0.1.0" } });
  expect(asyncapi).toMatchObject({ asyncapi: "3.0.0", info: { version: "0.1.0" } });
  expect(Object.keys(openapi.paths as Json)).toEqual([
    "/api/v1/events",
    "/api/v1/hooks/tusd",
    "/api/v1/admin/connections",
    "/api/v1/admin/users/{userId}/disconnect",
    "/api/v1/admin/users/{userId}",
    "/api/v1/admin/tokens/revoke",
    "/api/v1/upload-progress",
    "/api/v1/upload-progress/{jobId}",
    "/ws/upload-progress",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/asyncapi.json",
  ]);
  for (const type of [...STATE_TYPES, ...CONTROL_TYPES])
    validatorOf(`asyncapi#/components/messages/${type}/payload`);
});

test("every error of the catalogue that HTTP answers with is in the OpenAPI, under its own status", () => {
  const byStatus = codesUnder(openapi.paths, "", new Map());
  const rejections = codesUnder((openapi.components as Json).schemas, "", new Map()).get("") ?? new Set();
  for (const [code, { status }] of Object.entries(errorCatalogue)) {
    if (status === null) continue;
    const named = status === 422 ? rejections : (byStatus.get(String(status)) ?? new Set());
    expect([...named], `${status}`).toContain(code);
  }
  for (const [status, codes] of byStatus) {
    for (const code of codes)
      expect([code, errorCatalogue[code as keyof typeof errorCatalogue].status]).toEqual([
        code,
        Number(status),
      ]);
  }
});

test("what producers send, and every answer, is as the OpenAPI says", async () => {
  const events = [
    event.created({ jobId: "o", userId: "o", photoCount: 1, title: "t" }),
    event.started({ jobId: "o", userId: null, fileName: "a.jpg" }),
    event.progressed(5, { jobId: "o", userId: null, attempt: 1 }),
    event.failed({ jobId: "o", userId: "o", scope: "user" }),
    event.cancelled({ jobId: "other", userId: null }),
    event.completed({ jobId: "o", userId: null }),
    event.jobCompleted({ jobId: "o", userId: "o" }),
    event.jobCancelled({ jobId: "o", userId: "o" }),
  ].map(toCloudEvent);
  for (const sent of events) expect(componentFaults("Event", sent)).toBeNull();
  expect(componentFaults("Event", { ...events[0], type: "photo.upload.lost" })).toMatch(/oneOf/);
  const post = (body: unknown, token: string | null = null) =>
    fetch(`${hub.internalUrl}/api/v1/events`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token ?? "test-ingest-token-that-is-long-enough"}`,
        "content-type": "application/cloudevents-batch+json",
      },
      body: JSON.stringify(body),
    });
  const published: unknown = await (await post([...events, 5])).json();
  expect(published).toMatchObject({
    rejected: [{ code: "owner_unknown" }, { id: null, code: "invalid_field" }],
  });
  expect(componentFaults("Published", published)).toBeNull();
  for (const refused of [await post(5), await post([], "wrong"), await fetch(`${hub.publicUrl}/nothing`)]) {
    expect(refused.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(componentFaults("Problem", await refused.json())).toBeNull();
  }
  const headers = { accept: "application/json", authorization: `Bearer ${hub.tokenFor("o")}` };
  const poll = async (path: string): Promise<unknown> =>
    (await fetch(`${hub.publicUrl}${path}`, { headers })).json();
  expect(componentFaults("State", await poll("/api/v1/upload-progress"))).toBeNull();
  expect(componentFaults("JobState", await poll("/api/v1/upload-progress/o"))).toBeNull();
});

test("what operators are answered is as the OpenAPI says", async () => {
  const watcher = watchers.sse({ publicUrl: hub.publicUrl, token: hub.tokenFor("o") });
  onTestFinished(() => watcher.close());
  await watcher.until(({ syncs }) => syncs === 1, "synced");
  const ask = async (path: string, method = "GET", body: string | null = null): Promise<unknown> => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    return (await fetch(`${hub.internalUrl}/api/v1/admin${path}`, { method, headers, body })).json();
  };
  const connections = await ask("/connections?userId=o");
  expect(connections).toMatchObject({ connections: [{ transport: "sse" }] });
  for (const answer of [connections, await ask("/connections")]) {
    expect(componentFaults("Connections", answer)).toBeNull();
  }
  const answerOf = (path: string, method: string) =>
    `openapi#/paths/${path.replaceAll("/", "~1")}/${method}/responses/200/content/application~1json/schema`;
  const user = "/api/v1/admin/users/{userId}";
  const told = await ask("/users/o/disconnect", "POST");
  expect(faultsOf(answerOf(`${user}/disconnect`, "post"), told)).toBeNull();
  expect(faultsOf(answerOf(user, "delete"), await ask("/users/o", "DELETE"))).toBeNull();
  expect(componentFaults("Problem", await ask("/users/o", "GET"))).toBeNull();
  const revocation = { jti: "of-nobody", expiresAt: 1_800_000_000 };
  expect(componentFaults("Revocation", revocation)).toBeNull();
  expect(componentFaults("Revocation", { jti: "t", userId: "u", issuedBefore: 5 })).not.toBeNull();
  const revoked = await ask("/tokens/revoke", "POST", JSON.stringify(revocation));
  expect(faultsOf(answerOf("/api/v1/admin/tokens/revoke", "post"), revoked)).toBeNull();
});

test("every message of a story is as the AsyncAPI says, on every transport", async () => {
  const own = await startTestHub({
    progressInterval: 0,
    jobInterval: 0,
    heartbeatInterval: 200,
    stallAfter: 100,
    retryGrace: 0,
    drainTimeout: 1_000,
  });
  onTestFinished(() => own.close());
  const at = { publicUrl: own.publicUrl, token: own.tokenFor("u") };
  const all = [
    watchers.socketio(at),
    watchers.socketio({ ...at, transports: ["websocket"] }),
    watchers.websocket(at),
    watchers.sse(at),
    watchers.polling(at),
  ];
  const brief = { ...at, token: own.tokenFor("u", 3) };
  const expiring = [watchers.socketio(brief), watchers.websocket(brief), watchers.sse(brief)];
  const everybody = [...all, ...expiring];
  await Promise.all(everybody.map((watcher) => watcher.until(({ syncs }) => syncs > 0, "synced")));

  await own.post([event.created({ photoCount: 4, title: "Trip" }), event.started({ fileName: "a.jpg" })]);
  await own.post([event.progressed(455), event.started({ photoId: "unknown", totalBytes: null })]);
  const isStalled = ({ messages }: Watcher) => messages.some(({ stalled }) => stalled === true);
  await Promise.all(all.map((watcher) => watcher.until(isStalled, "stalled")));
  await own.post([event.progressed(1_000)]);
  await own.post([
    event.completed(),
    event.cancelled({ photoId: "unknown" }),
    event.failed({ photoId: "lost" }),
  ]);
  await own.post([event.started({ jobId: "k", totalBytes: null }), event.jobCancelled({ jobId: "k" })]);
  await own.post([event.completed({ photoId: "last" })]);
  const isOver = ({ messages }: Watcher) =>
    ["j", "k"].every((jobId) => messages.some((one) => one.type === "job_completed" && one.jobId === jobId));
  await Promise.all(all.map((watcher) => watcher.until(isOver, "both jobs ended", 10_000)));
  const told = (type: string) => (watcher: Watcher) => watcher.controls.some((one) => one.type === type);
  await Promise.all(expiring.map((watcher) => watcher.until(told("token_expiring"), "the notice")));
  await own.drain();
  await all[3]?.until(told("reconnect"), "reconnect");
  await all[0]?.until(told("closing"), "closing");
  for (const watcher of everybody) watcher.close();

  const seen = new Set<string>();
  for (const { kind, raw, controls } of everybody) {
    for (const message of [...raw.map((text): unknown => JSON.parse(text)), ...controls]) {
      const { type } = message as { type: string };
      expect([kind, messageFaults(type, message)]).toEqual([kind, null]);
      seen.add(type);
    }
  }
  expect([...seen].sort()).toEqual([...STATE_TYPES, ...CONTROL_TYPES].sort());
  // The check itself: a field too many, one too few, a status of another type.
  const [done] = all.flatMap(({ messages }) => messages.filter(({ type }) => type === "upload_completed"));
  expect(messageFaults("upload_completed", done)).toBeNull();
  expect(messageFaults("upload_completed", { ...done, extra: 1 })).toMatch(/additional/);
  expect(messageFaults("upload_completed", { ...done, attempt: undefined })).toMatch(/attempt/);
  expect(messageFaults("upload_completed", { ...done, status: "FAILED" })).toMatch(/status/);
}, 20_000);

test("answers to refresh are as the AsyncAPI says", async () => {
  const own = await startTestHub();
  onTestFinished(() => own.close());
  const url = `${own.publicUrl.replace("http", "ws")}/ws/upload-progress?access_token=${own.tokenFor("u")}`;
  const socket = new WebSocket(url);
  const answers = new Map<string, unknown>();
  await new Promise<void>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("open", () => {
      for (const token of [own.tokenFor("u"), "nonsense"])
        socket.send(JSON.stringify({ type: "refresh", token }));
    });
    socket.on("message", (data) => {
      const message = JSON.parse(data.toString()) as { type: string };
      answers.set(message.type, message);
      if (answers.size === 3) resolve();
    });
  });
  socket.terminate();
  expect([...answers.keys()].sort()).toEqual(["refresh_failed", "refreshed", "synced"]);
  for (const [type, message] of answers) expect(messageFaults(type, message)).toBeNull();
});
