import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HubError } from "../../src/errors.ts";
import {
  type IngestServer,
  JWT_SECRET,
  memoryStore,
  SECRET,
  startIngest,
  TUSD,
  tokenOf,
} from "./ingest-server.ts";

let server: IngestServer;
beforeEach(async () => {
  server = await startIngest();
});
afterEach(() => server.close());

interface HookOptions {
  readonly upload?: object;
  /** The uploader's own `Authorization`, in the body as tusd tells it. */
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly query?: string;
}

function hook(
  Type: string,
  { upload = {}, token, headers = {}, query }: HookOptions = {},
): Promise<Response> {
  const Upload = {
    ID: "up1",
    Size: 800,
    SizeIsDeferred: false,
    Offset: 300,
    MetaData: {},
    IsPartial: false,
    ...upload,
  };
  const Header = token === undefined ? {} : { Authorization: [`Bearer ${token}`] };
  return fetch(`${server.origin}${TUSD}${query ?? `?access_token=${SECRET}`}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ Type, Event: { Upload, HTTPRequest: { Method: "POST", URI: "/files", Header } } }),
  });
}

async function expectTaken(response: Response): Promise<void> {
  expect(response.headers.get("content-type")).toMatch(/^application\/json/);
  expect({ status: response.status, body: await response.json() }).toEqual({ status: 200, body: {} });
}

function seen(): string[] {
  return server.published.map(({ type, jobId, userId, scope }) => `${type} ${jobId} of ${userId} (${scope})`);
}

function refusals(): string[] {
  return [...server.counts.bySource.tusd.entries()].flatMap(({ result, count }) =>
    result === "accepted" || result === "unchanged" ? [] : Array.from({ length: count }, () => result),
  );
}

describe("an upload", () => {
  it("is told from creation to end, as its owner's own job", async () => {
    const token = tokenOf("auth0|42");
    for (const name of [
      "pre-create",
      "post-create",
      "post-receive",
      "pre-finish",
      "post-finish",
      "pre-terminate",
    ]) {
      await expectTaken(await hook(name, { token }));
    }
    await expectTaken(await hook("post-terminate", { token, upload: { ID: "up+2" } }));
    expect(seen()).toEqual([
      "uploadjob.created up1 of auth0|42 (user)",
      "photo.upload.started up1 of auth0|42 (user)",
      "photo.upload.progressed up1 of auth0|42 (user)",
      "photo.upload.completed up1 of auth0|42 (user)",
      expect.stringMatching(/^photo\.upload\.cancelled up-2\.[0-9a-f]{16} of auth0\|42 \(user\)$/),
    ]);
  });

  it("is told by tusd 1 as well, with forwarded headers", async () => {
    const body = JSON.stringify({ Upload: { ID: "v1", Size: 5, Offset: 0, MetaData: { jobId: "trip" } } });
    const headers = { "hook-name": "post-create", authorization: `Bearer ${tokenOf("u1")}` };
    const url = `${server.origin}${TUSD}?access_token=${SECRET}`;
    await expectTaken(await fetch(url, { method: "POST", headers, body }));
    expect(seen()).toEqual(["photo.upload.started trip of u1 (user)"]);
  });

  it("is the same event when its hook is delivered twice", async () => {
    const token = tokenOf("u1");
    await hook("post-create", { token });
    await hook("post-create", { token });
    const [created, started, createdAgain, startedAgain] = server.published;
    expect([createdAgain, startedAgain]).toEqual([created, started]);
  });
});

describe("the owner, by token", () => {
  it("must be verified in full at creation; a refusal never stops the upload", async () => {
    const wrong = [undefined, "x.y.z", tokenOf("u", 60, JWT_SECRET.replace("0", "1")), tokenOf("u", -1)];
    for (const token of wrong)
      await expectTaken(await hook("post-create", token === undefined ? {} : { token }));
    expect(refusals()).toEqual(["token_missing", "token_invalid", "token_invalid", "token_expired"]);
    expect(server.published).toEqual([]);
  });

  it("stays the one of the creation, whoever sends the bytes, and without a token", async () => {
    await hook("post-create", { token: tokenOf("ann") });
    await hook("post-receive", { token: tokenOf("bob") });
    await hook("post-receive");
    await hook("post-finish", { token: tokenOf("ann", -1) });
    expect(new Set(server.published.map(({ userId }) => userId))).toEqual(new Set(["ann"]));
    expect(server.published).toHaveLength(5);
  });

  it("can't be changed by creating the same upload again, but a repeated creation may come late", async () => {
    await hook("post-create", { token: tokenOf("ann") });
    await hook("post-create", { token: tokenOf("bob") });
    await hook("post-create", { token: tokenOf("bob", -1) });
    expect(refusals()).toEqual(["owner_mismatch", "owner_mismatch"]);
    await hook("post-create", { token: tokenOf("ann", -1) });
    expect(server.published.map(({ userId }) => userId)).toEqual(["ann", "ann", "ann", "ann"]);
  });

  it("comes from the signature alone, expired or not, where the binding is lost", async () => {
    await hook("post-receive", { token: tokenOf("ann", -1) });
    expect(seen()).toEqual(["photo.upload.progressed up1 of ann (user)"]);
    await hook("post-receive", { token: tokenOf("ann", 60, JWT_SECRET.replace("0", "1")) });
    await hook("post-receive");
    expect(refusals()).toEqual(["token_invalid", "token_missing"]);
    // Else an expired token could claim an upload for good.
    await hook("post-create", { token: tokenOf("bob") });
    expect(server.published.at(-1)?.userId).toBe("bob");
  });

  it("is never the metadata's", async () => {
    await hook("post-create", { token: tokenOf("ann"), upload: { MetaData: { userId: "bob" } } });
    expect(server.published.map(({ userId }) => userId)).toEqual(["ann", "ann"]);
  });

  it("is kept where it was asked to be kept", async () => {
    await server.close();
    const owners = memoryStore();
    await owners.bindOwner("upload", "up1", "carl");
    server = await startIngest(undefined, { owners });
    await hook("post-receive");
    expect(seen()).toEqual(["photo.upload.progressed up1 of carl (user)"]);
  });
});

describe("the owner, by metadata", () => {
  beforeEach(async () => {
    await server.close();
    server = await startIngest(undefined, { owner: "metadata" });
  });

  it("is MetaData.userId, tokens are not looked at", async () => {
    await expectTaken(
      await hook("post-create", { token: "x", upload: { MetaData: { userId: "bob", jobId: "j" } } }),
    );
    expect(seen()).toEqual(["photo.upload.started j of bob (user)"]);
  });

  it("must be there and right", async () => {
    await expectTaken(await hook("post-receive"));
    await expectTaken(await hook("post-receive", { upload: { MetaData: { userId: "a\u0000" } } }));
    expect(refusals()).toEqual(["invalid_field", "invalid_field"]);
    expect(server.published).toEqual([]);
  });
});

describe("answers", () => {
  it("401 without the secret, in the query or as bearer", async () => {
    for (const query of ["", "?access_token=wrong"]) {
      const response = await hook("post-create", {
        query,
        headers: { authorization: `Bearer ${tokenOf("u")}` },
      });
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      expect(await response.json()).toMatchObject({ code: "unauthorized" });
    }
    const headers = { authorization: `Bearer ${SECRET}` };
    await expectTaken(await hook("post-create", { query: "", headers, token: tokenOf("u") }));
    // The hub's own secret is nobody's token.
    await expectTaken(await hook("post-create", { query: "", headers, upload: { ID: "up2" } }));
    expect(refusals()).toEqual(["token_missing"]);
  });

  it("200 to what has nothing to say, counted when it should have had", async () => {
    await expectTaken(await hook("post-create", { token: tokenOf("u"), upload: { IsPartial: true } }));
    await expectTaken(await hook("post-everything", { token: tokenOf("u") }));
    expect([...server.counts.bySource.tusd.entries()]).toEqual([]);
    await expectTaken(await hook("post-create", { token: tokenOf("u"), upload: { ID: "" } }));
    expect(refusals()).toEqual(["invalid_field"]);
  });

  it("200 to an Offset of any shape, which the gate refuses", async () => {
    const nested = "[".repeat(200_000) + "]".repeat(200_000);
    for (const offset of [nested, '"5"', "{}", "null", "-1", "1.5"]) {
      const url = `${server.origin}${TUSD}?access_token=${SECRET}`;
      const authorization = `"HTTPRequest":{"Header":{"Authorization":["Bearer ${tokenOf("u")}"]}}`;
      const upload = `"Upload":{"ID":"up1","Size":8,"Offset":${offset}}`;
      const body = `{"Type":"post-receive","Event":{${upload},${authorization}}}`;
      await expectTaken(await fetch(url, { method: "POST", body }));
    }
    expect(refusals()).toEqual(Array(6).fill("invalid_field"));
    expect(server.published).toEqual([]);
  });

  it("400 to what is no JSON", async () => {
    const url = `${server.origin}${TUSD}?access_token=${SECRET}`;
    const response = await fetch(url, { method: "POST", body: '{"Type":"post-cr' });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "malformed_json" });
  });

  it("503 while draining, but never to a hook that could stop an upload", async () => {
    server.draining = true;
    const response = await hook("post-create", { token: tokenOf("u") });
    expect(response.status).toBe(503);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    for (const name of ["pre-create", "pre-finish", "pre-terminate"]) await expectTaken(await hook(name));
  });

  it.each([
    ["overloaded", 503],
    ["store_unavailable", 503],
    ["rate_limited", 503],
  ] as const)("the engine's %s as %i, since tusd drops an event on 429", async (code, status) => {
    await server.close();
    server = await startIngest(() => Promise.reject(new HubError(code)));
    const response = await hook("post-create", { token: tokenOf("u") });
    expect(response.status).toBe(status);
    expect(response.headers.get("retry-after")).not.toBeNull();
  });

  it("503 when the engine had no room for one of the events, 200 when it will never take it", async () => {
    let code: "overloaded" | "too_many_photos" = "overloaded";
    await server.close();
    server = await startIngest(async () => ({
      accepted: 1,
      unchanged: 0,
      unchangedAt: [],
      rejected: [{ index: 1, id: "x", code, message: "no room" }],
    }));
    expect((await hook("post-create", { token: tokenOf("u") })).status).toBe(503);
    code = "too_many_photos";
    await expectTaken(await hook("post-create", { token: tokenOf("u") }));
  });
});
