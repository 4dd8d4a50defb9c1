import jsonwebtoken from "jsonwebtoken";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Watcher, type WatcherKind, watchers } from "../clients.ts";
import { event } from "../events.ts";
import { ADMIN_TOKEN, JWT_SECRET, startTestHub, type TestHub } from "../hub.ts";
import { eventually } from "./gateway-harness.ts";

const PATH = "/api/v1/upload-progress";
let hub: TestHub;
const open: Watcher[] = [];

beforeEach(async () => {
  hub = await startTestHub({ adminToken: [ADMIN_TOKEN], progressInterval: 0, jobInterval: 0 });
});

afterEach(async () => {
  for (const watcher of open.splice(0)) watcher.close();
  await hub.close();
});

function admin(path: string, method = "GET", secret: string | null = ADMIN_TOKEN, init: RequestInit = {}) {
  const headers = { ...(secret !== null && { authorization: `Bearer ${secret}` }), ...init.headers };
  return fetch(`${hub.internalUrl}/api/v1/admin${path}`, { ...init, method, headers });
}

async function answer(path: string, method = "GET"): Promise<unknown> {
  const response = await admin(path, method);
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-store");
  return response.json();
}

async function watch(kind: Exclude<WatcherKind, "polling">, userId: string, more = {}): Promise<Watcher> {
  const watcher = watchers[kind]({ publicUrl: hub.publicUrl, token: hub.tokenFor(userId), ...more });
  open.push(watcher);
  await watcher.until(({ syncs }) => syncs === 1, "synced");
  return watcher;
}

/** A poll that waits by the time it is given. */
async function waitingPoll(
  userId: string,
  token = hub.tokenFor(userId),
): Promise<{ readonly answer: Promise<Response> }> {
  const before = hub.stats().connections.polling;
  const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
  const poll = fetch(`${hub.publicUrl}${PATH}?wait=60s`, { headers });
  await eventually(() => hub.stats().connections.polling === before + 1, "the poll waits");
  return { answer: poll };
}

async function expectProblem(response: Response, status: number, problem: object): Promise<void> {
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(await response.json()).toMatchObject({ status, ...problem });
}

describe("who may ask", () => {
  test.each([null, "wrong", "test-ingest-token-that-is-long-enough"])("not with %j", async (secret) => {
    await expectProblem(await admin("/connections", "GET", secret), 401, {
      code: "unauthorized",
      detail: expect.stringMatching(/<admin-token>/),
      hint: expect.stringMatching(/<admin-token>/),
    });
    await expectProblem(await admin("/users/u", "DELETE", secret), 401, { code: "unauthorized" });
  });

  test("nobody, where no admin token is set: as if there were no such path", async () => {
    await hub.close();
    hub = await startTestHub();
    for (const [path, method] of [
      ["/connections", "GET"],
      ["/users/u", "DELETE"],
      ["/users/u/disconnect", "POST"],
      ["/users/u", "PUT"],
    ] as const) {
      await expectProblem(await admin(path, method), 404, { code: "not_found" });
    }
  });

  test.each([
    ["/connections", "POST", "GET, HEAD"],
    ["/users/u", "GET", "DELETE"],
    ["/users/u/disconnect", "PUT", "POST"],
  ])("%s not by %s", async (path, method, allow) => {
    const response = await admin(path, method);
    expect(response.headers.get("allow")).toBe(allow);
    await expectProblem(response, 405, { code: "method_not_allowed" });
  });

  test.each([
    ["a control character", "/users/a%00b/disconnect"],
    ["more than 256 bytes", `/users/${"x".repeat(257)}/disconnect`],
    ["much more", `/users/${"%C3%A4".repeat(1_500)}/disconnect`],
    ["a broken escape", "/users/%ZZ/disconnect"],
  ])("a user id with %s is a bad request", async (_what, path) => {
    await expectProblem(await admin(path, "POST"), 400, { code: "bad_request" });
  });

  test.each(["?userId=", "?userId=%07", "?limit=0", "?limit=1001", "?limit=ten"])(
    "/connections%s is a bad request",
    async (query) => {
      await expectProblem(await admin(`/connections${query}`), 400, { code: "bad_request" });
    },
  );
});

describe("GET connections", () => {
  test("counts by transport, gateway and user; names the busiest, and the connections of one", async () => {
    await watch("socketio", "auth0|42");
    await watch("websocket", "auth0|42");
    await watch("sse", "a+b@x.com");
    const poll = await waitingPoll("auth0|42");
    const all = { socketio: 1, websocket: 1, sse: 1, polling: 1 };
    const mail = {
      userId: "a+b@x.com",
      total: 1,
      byTransport: { socketio: 0, websocket: 0, sse: 1, polling: 0 },
    };
    const expected = {
      total: 4,
      byTransport: all,
      gateways: [{ name: "gateway", total: 4, byTransport: all }],
      users: 2,
      byUser: [{ userId: "auth0|42", total: 3, byTransport: { ...all, sse: 0 } }, mail],
    };
    expect(await answer("/connections")).toEqual(expected);
    expect(await answer("/connections?limit=1")).toEqual({
      ...expected,
      byUser: expected.byUser.slice(0, 1),
    });
    for (const userId of ["a+b@x.com", encodeURIComponent("a+b@x.com")]) {
      expect(await answer(`/connections?userId=${userId}`)).toEqual({
        ...expected,
        connections: [{ gateway: "gateway", transport: "sse", ageSeconds: expect.any(Number) }],
      });
    }
    expect(await answer("/connections?userId=auth0%7C42")).toMatchObject({
      connections: [{ transport: "socketio" }, { transport: "websocket" }, { transport: "polling" }],
    });
    await hub.post([event.started({ userId: "auth0|42" })]);
    expect((await poll.answer).status).toBe(200);
    expect(await answer("/connections?userId=nobody")).toMatchObject({ total: 3, connections: [] });
  });
});

describe("disconnect", () => {
  test.each(["u", "auth0|42", "a+b@x.com", "a/b c%"])(
    "reaches every transport of %j, and nobody else",
    async (userId) => {
      const mine = [
        await watch("websocket", userId),
        await watch("socketio", userId),
        await watch("sse", userId),
      ];
      const others = [
        await watch("websocket", "other"),
        await watch("socketio", "other"),
        await watch("sse", "other"),
      ];
      const poll = await waitingPoll(userId);
      const otherPoll = await waitingPoll("other");
      expect(await answer(`/users/${encodeURIComponent(userId)}/disconnect`, "POST")).toEqual({
        disconnected: 4,
      });
      const [native, socketio, stream] = mine;
      await Promise.all(mine.map((watcher) => watcher.until(({ ends }) => ends.length > 0, "closed")));
      expect(native?.ends).toEqual([{ code: 4401, reason: "disconnected" }]);
      expect(socketio?.controls).toContainEqual({ type: "closing", code: 4401 });
      expect([socketio?.ended, stream?.ended]).toEqual([false, false]);
      await expectProblem(await poll.answer, 401, { code: "disconnected" });
      // What a shaken-off client does is up to it: the stock ones come back, since their token is good.
      await socketio?.until(({ syncs }) => syncs === 2, "back");
      for (const { ends } of others) expect(ends).toEqual([]);
      await hub.post([event.started({ userId: "other", jobId: "o" })]);
      expect((await otherPoll.answer).status).toBe(200);
    },
  );

  test("of nobody is fine, and whatever body comes with it is not looked at", async () => {
    const headers = { "content-type": "application/json" };
    for (const body of ["", "{"]) {
      const response = await admin("/users/nobody/disconnect", "POST", ADMIN_TOKEN, { body, headers });
      expect(await response.json()).toEqual({ disconnected: 0 });
    }
  });
});

describe("forget", () => {
  test("every client of the user forgets, connected or coming back; nobody else does", async () => {
    await hub.post([
      event.started(),
      event.started({ jobId: "k" }),
      event.started({ userId: "v", jobId: "theirs" }),
    ]);
    const away = await watch("websocket", "u");
    away.close();
    const here = [await watch("websocket", "u"), await watch("socketio", "u"), await watch("sse", "u")];
    const theirs = await watch("websocket", "v");
    // Also what came live, long after the first snapshot, is to go.
    await hub.post([event.progressed(300), event.started({ jobId: "live" })]);
    const isLive = (watcher: Watcher) => watcher.view().has("live");
    await Promise.all(here.map((watcher) => watcher.until(isLive, "live")));
    const poll = await waitingPollSince("u", here[0]?.lastId ?? null);

    expect(await answer("/users/u", "DELETE")).toEqual({ forgotten: 3 });
    expect(hub.stats().engine).toMatchObject({ jobs: 1, openPhotos: 1 });
    for (const watcher of here) {
      await watcher.until(({ syncs }) => syncs === 3, "synced again");
      expect(watcher.controls.at(-1)).toMatchObject({ type: "synced", mode: "snapshot" });
      expect([...watcher.view().keys()]).toEqual([]);
      expect(watcher.ends).toEqual([]);
    }
    expect(await (await poll.answer).json()).toMatchObject({ jobs: [], messages: [] });
    const back = await watch("websocket", "u", { continues: away });
    expect(back.controls.at(-1)).toMatchObject({ type: "synced", mode: "snapshot" });
    expect([...back.view().keys()]).toEqual([]);
    expect(theirs.syncs).toBe(1);
    expect(theirs.view().has("theirs")).toBe(true);
    expect(await answer("/users/u", "DELETE")).toEqual({ forgotten: 0 });

    await hub.post([event.started({ jobId: "new" })]);
    for (const watcher of [...here, back]) {
      await watcher.until((one) => one.view().has("new"), "what is new");
      expect([...watcher.view().keys()].sort()).toEqual(["new", "new/p"]);
    }
  });

  test("a poll of a job that is forgotten while it waits: there is no such job", async () => {
    await hub.post([event.started()]);
    const poll = await waitingPollSince("u", null, "/j");
    await answer("/users/u", "DELETE");
    await expectProblem(await poll.answer, 404, { code: "job_not_found" });
  });
});

describe("revoke", () => {
  const nowSeconds = () => Math.floor(Date.now() / 1_000);
  const tokenOf = (jti: string, issuedAtSeconds = nowSeconds(), userId = "u") =>
    jsonwebtoken.sign({ jti, iat: issuedAtSeconds, exp: nowSeconds() + 3_600 }, JWT_SECRET, {
      subject: userId,
    });
  const revoke = async (body: object) => {
    const response = await admin("/tokens/revoke", "POST", ADMIN_TOKEN, { body: JSON.stringify(body) });
    expect(await response.json()).toEqual({ revoked: true });
  };
  const everyWay = async (token: string) =>
    Promise.all((["websocket", "socketio", "sse"] as const).map((kind) => watch(kind, "u", { token })));

  test("one token: its connections end within 2 s and can't come back, others of the user stay", async () => {
    const stolen = await everyWay(tokenOf("stolen"));
    const good = await everyWay(tokenOf("good"));
    const poll = await waitingPoll("u", tokenOf("stolen"));
    const startMs = performance.now();
    await revoke({ jti: "stolen" });
    await Promise.all(stolen.map((watcher) => watcher.until(({ ends }) => ends.length > 0, "closed")));
    expect(performance.now() - startMs).toBeLessThan(2_000);
    await expectProblem(await poll.answer, 401, { code: "token_revoked" });
    const [native, socketio] = stolen;
    expect(native?.ends).toEqual([{ code: 4401, reason: "token_revoked" }]);
    expect(socketio?.controls).toContainEqual({ type: "closing", code: 4401 });
    // Comes back by itself, and is told.
    await socketio?.until(({ ended }) => ended, "refused");
    expect(socketio?.ends.at(-1)).toMatchObject({ code: "token_revoked" });
    const headers = { authorization: `Bearer ${tokenOf("stolen")}`, accept: "application/json" };
    await expectProblem(await fetch(`${hub.publicUrl}${PATH}`, { headers }), 401, { code: "token_revoked" });
    for (const { ends } of good) expect(ends).toEqual([]);
  });

  test("all of a user from before: who has a newer one stays, and so does everybody else", async () => {
    const [before, after] = [nowSeconds() - 10, nowSeconds()];
    const old = await everyWay(tokenOf("a", before));
    const kept = [...(await everyWay(tokenOf("b", after)))];
    kept.push(await watch("websocket", "v", { token: tokenOf("c", before, "v") }));
    await revoke({ userId: "u", issuedBefore: after, expiresAt: after + 3_600 });
    await Promise.all(old.map((watcher) => watcher.until(({ ends }) => ends.length > 0, "closed")));
    for (const { ends } of kept) expect(ends).toEqual([]);
  });

  test.each([
    ["nothing", {}],
    ["both ways", { jti: "a", userId: "u", issuedBefore: 5 }],
    ["a user without a time", { userId: "u" }],
    ["a time in milliseconds", { userId: "u", issuedBefore: 1_790_000_000_000 }],
    ["an empty jti", { jti: "" }],
    ["a jti with a time", { jti: "a", issuedBefore: 5 }],
    ["a jti that is a number", { jti: 5 }],
    ["an end that is no time", { jti: "a", expiresAt: "soon" }],
    ["a misspelled field", { jti: "a", expires: 5 }],
    ["a list", ["a"]],
  ])("%s is a bad request", async (_what, body) => {
    const init = { body: JSON.stringify(body) };
    const response = await admin("/tokens/revoke", "POST", ADMIN_TOKEN, init);
    await expectProblem(response, 400, { code: "bad_request" });
  });

  test("what is no JSON, or too much of it, is refused as everywhere", async () => {
    const post = (body: string) => admin("/tokens/revoke", "POST", ADMIN_TOKEN, { body });
    await expectProblem(await post("{"), 400, { code: "malformed_json" });
    await expectProblem(await post(`"${"x".repeat(20_000)}"`), 413, { code: "body_too_large" });
    await expectProblem(await admin("/tokens/revoke"), 405, { code: "method_not_allowed" });
  });
});

/** A poll that has everything up to now and waits; `since` null: asks for it first. */
async function waitingPollSince(
  userId: string,
  since: string | null,
  of = "",
): Promise<{ readonly answer: Promise<Response> }> {
  const headers = { authorization: `Bearer ${hub.tokenFor(userId)}`, accept: "application/json" };
  const url = `${hub.publicUrl}${PATH}${of}`;
  const known = since ?? String(Reflect.get(Object(await (await fetch(url, { headers })).json()), "id"));
  const poll = fetch(`${url}?wait=60s&since=${known}`, { headers });
  await eventually(() => hub.stats().connections.polling === 1, "the poll waits");
  return { answer: poll };
}
