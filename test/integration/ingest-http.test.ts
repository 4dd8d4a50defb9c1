import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HubError } from "../../src/errors.ts";
import {
  BATCH,
  EVENTS,
  type IngestServer,
  MAX_BODY_BYTES,
  photoEvent,
  post,
  rawExchange,
  SECRET,
  STRUCTURED,
  startIngest,
  TUSD,
} from "./ingest-server.ts";

let server: IngestServer;
beforeEach(async () => {
  server = await startIngest();
});
afterEach(() => server.close());

async function expectProblem(response: Response, status: number, code: string): Promise<void> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect({ status: response.status, body: await response.json() }).toMatchObject({
    status,
    body: { type: "about:blank", status, code, title: expect.any(String), detail: expect.any(String) },
  });
}

describe("batches", () => {
  it("keeps the good events and tells the bad ones by position", async () => {
    const response = await post(server, [
      photoEvent("ok-1"),
      photoEvent("negative", { bytesTransferred: -1 }),
      photoEvent("fraction", { bytesTransferred: 0.5 }),
      photoEvent("too-big", { bytesTransferred: 2 ** 53 }),
      photoEvent("nan", { bytesTransferred: "NaN" }),
      photoEvent("spaces", { photoId: "my photo" }),
      photoEvent("typed", { attempt: "1" }),
      photoEvent("unknown", {}, "photo.upload.paused"),
      5,
      photoEvent("ok-2"),
    ]);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^application\/json/);
    expect(await response.json()).toEqual({
      accepted: 2,
      unchanged: 0,
      rejected: ["negative", "fraction", "too-big", "nan", "spaces", "typed", "unknown", null].map(
        (id, i) => ({
          index: i + 1,
          id,
          code: id === "unknown" ? "unknown_type" : "invalid_field",
          message: expect.any(String),
        }),
      ),
    });
    expect(server.published.map(({ id }) => id)).toEqual(["ok-1", "ok-2"]);
  });

  it("answers an empty batch with zeros, without asking the engine", async () => {
    const response = await post(server, []);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ accepted: 0, unchanged: 0, rejected: [] });
  });

  it("answers 422 with the same body when every event was rejected", async () => {
    const response = await post(server, [photoEvent("a", { jobId: "" }), photoEvent("b", {}, "x")]);
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({
      accepted: 0,
      unchanged: 0,
      rejected: [
        { index: 0, id: "a", code: "invalid_field", message: expect.stringContaining("jobId") },
        { index: 1, id: "b", code: "unknown_type", message: expect.any(String) },
      ],
    });
  });

  it("puts the engine's rejections at their places between the gate's", async () => {
    await server.close();
    server = await startIngest(async (events) => ({
      accepted: 0,
      unchanged: 1,
      unchangedAt: events.flatMap(({ id }, index) => (id === "fine" ? [index] : [])),
      rejected: events
        .map(({ id }, index) => ({ index, id, code: "owner_mismatch" as const, message: "of another user" }))
        .filter(({ id }) => id !== "fine"),
    }));
    const batch = [5, photoEvent("theirs-1"), 5, photoEvent("fine"), photoEvent("theirs-2"), 5];
    const response = await post(server, batch);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      unchanged: 1,
      rejected: [
        { index: 0, code: "invalid_field" },
        { index: 1, id: "theirs-1", code: "owner_mismatch" },
        { index: 2, code: "invalid_field" },
        { index: 4, id: "theirs-2", code: "owner_mismatch" },
        { index: 5, code: "invalid_field" },
      ],
    });
    const progressed = { type: "photo.upload.progressed" };
    expect([...server.counts.bySource.cloudevents.entries()]).toEqual([
      { type: "unknown", result: "invalid_field", count: 3 },
      { ...progressed, result: "owner_mismatch", count: 2 },
      { ...progressed, result: "unchanged", count: 1 },
    ]);
    expect((await post(server, [photoEvent("theirs-1"), 5])).status).toBe(422);
  });

  it("takes 10,000 events and refuses 10,001 whole", async () => {
    const events = Array.from({ length: 10_001 }, (_, i) => photoEvent(`e${i}`));
    await expectProblem(await post(server, events), 413, "batch_too_large");
    expect(server.published).toHaveLength(0);
    const response = await post(server, events.slice(1));
    expect(await response.json()).toEqual({ accepted: 10_000, unchanged: 0, rejected: [] });
  });
});

describe("whole requests refused", () => {
  it("without the secret, with a wrong one, or with it in the query", async () => {
    for (const authorization of ["", "Bearer wrong", `Basic ${SECRET}`, `Bearer ${SECRET}x`]) {
      const response = await post(server, [photoEvent("e")], { authorization });
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      await expectProblem(response, 401, "unauthorized");
    }
    const url = `${server.origin}${EVENTS}?access_token=${SECRET}`;
    await expectProblem(await fetch(url, { method: "POST", body: "[]" }), 401, "unauthorized");
    expect(server.published).toHaveLength(0);
  });

  it("while draining, with a time to come back", async () => {
    server.draining = true;
    const response = await post(server, [photoEvent("e")]);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(response.headers.get("connection")).toBe("close");
    await expectProblem(response, 503, "draining");
  });

  it.each(["store_unavailable", "overloaded"] as const)("when the engine says %s", async (code) => {
    await server.close();
    server = await startIngest(() => Promise.reject(new HubError(code, "not now", 7)));
    const response = await post(server, [photoEvent("e")]);
    expect(response.headers.get("retry-after")).toBe("7");
    await expectProblem(response, 503, code);
  });

  it("when the engine breaks, without telling why", async () => {
    await server.close();
    server = await startIngest(() => Promise.reject(new Error("secret detail")));
    const response = await post(server, [photoEvent("e")]);
    expect(await response.clone().text()).not.toContain("secret detail");
    await expectProblem(response, 500, "internal_error");
  });

  it.each([
    [415, "unsupported_media_type", { "content-type": "text/plain" }],
    [415, "unsupported_media_type", { "content-type": "application/json" }],
    [415, "unsupported_media_type", { "content-type": "nonsense" }],
    [415, "unsupported_media_type", { "content-type": `${BATCH}; charset=latin1` }],
    [415, "unsupported_media_type", { "content-encoding": "gzip" }],
    [400, "malformed_json", { "content-type": STRUCTURED }],
  ])("%i %s for %j", async (status, code, headers) => {
    await expectProblem(await post(server, [photoEvent("e")], headers), status, code);
  });

  it("for truncated JSON and for no body at all", async () => {
    await expectProblem(
      await post(server, JSON.stringify([photoEvent("e")]).slice(0, -5)),
      400,
      "malformed_json",
    );
    await expectProblem(await post(server, ""), 400, "malformed_json");
  });

  it("for other methods, with Allow, before the secret is looked at", async () => {
    for (const path of [EVENTS, TUSD]) {
      for (const method of ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
        const response = await fetch(server.origin + path, { method });
        expect(response.headers.get("allow")).toBe("POST");
        await expectProblem(response, 405, "method_not_allowed");
      }
    }
  });
});

describe("sizes", () => {
  const head = (more: string) =>
    `POST ${EVENTS} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${SECRET}\r\nContent-Type: ${BATCH}\r\n${more}\r\n\r\n`;
  const FIVE_MIB = 5 * 1024 * 1024;

  it("takes a body of exactly the limit", async () => {
    const event = photoEvent("e", { pad: "" });
    const padding = MAX_BODY_BYTES - JSON.stringify([event]).length;
    const response = await post(server, [photoEvent("e", { pad: "x".repeat(padding) })]);
    expect(await response.json()).toMatchObject({ accepted: 1 });
    await expectProblem(
      await post(server, [photoEvent("e", { pad: "x".repeat(padding + 1) })]),
      413,
      "body_too_large",
    );
  });

  it("answers 413 from Content-Length alone, before the body is sent, and serves the connection further", async () => {
    const { received, error } = await rawExchange(
      server.port,
      async (send) => {
        await send(head(`Content-Length: ${FIVE_MIB}`));
        await send(Buffer.alloc(FIVE_MIB, 0x20));
        await send(`${head("Content-Length: 2")}[]`);
      },
      (text) => text.includes('"accepted"'),
    );
    expect(error).toBeNull();
    expect(received).toMatch(/^HTTP\/1\.1 413 .*\r\n/);
    expect(received).toContain('"code":"body_too_large"');
    expect(received).toContain("HTTP/1.1 200 OK");
  });

  it("answers 413 while a client still announces the body and has sent none of it", async () => {
    const { received } = await rawExchange(
      server.port,
      (send) => send(head(`Content-Length: ${FIVE_MIB}`)),
      (text) => text.includes("body_too_large"),
    );
    expect(received).toMatch(/^HTTP\/1\.1 413 /);
  });

  it("answers 413 to a chunked body without Content-Length, and lets it end", async () => {
    const chunk = Buffer.alloc(64 * 1024, 0x20);
    const { received, error } = await rawExchange(
      server.port,
      async (send) => {
        await send(head("Transfer-Encoding: chunked"));
        for (let sent = 0; sent < FIVE_MIB; sent += chunk.length) {
          await send(`${chunk.length.toString(16)}\r\n`);
          await send(chunk);
          await send("\r\n");
        }
        await send(`0\r\n\r\n${head("Content-Length: 2")}[]`);
      },
      (text) => text.includes('"accepted"'),
    );
    expect(error).toBeNull();
    expect(received).toMatch(/^HTTP\/1\.1 413 /);
    expect(received).toContain("HTTP/1.1 200 OK");
  });

  it("cuts a client that never stops sending after its 413", async () => {
    const chunk = Buffer.alloc(1024 * 1024, 0x20);
    // Ends by the server's doing alone: the last chunk is never sent.
    const { received } = await rawExchange(
      server.port,
      async (send) => {
        await send(head("Transfer-Encoding: chunked"));
        for (let sent = 0; sent < 100; sent += 1) {
          await send(`${chunk.length.toString(16)}\r\n`);
          await send(chunk);
          await send("\r\n");
        }
      },
      () => false,
    );
    expect(received).toContain("body_too_large");
  });

  it("takes a chunked body that fits", async () => {
    const body = JSON.stringify([photoEvent("e")]);
    const { received } = await rawExchange(
      server.port,
      async (send) => {
        await send(head("Transfer-Encoding: chunked"));
        for (const character of body) await send(`1\r\n${character}\r\n`);
        await send("0\r\n\r\n");
      },
      (text) => text.includes('"accepted"'),
    );
    expect(received).toContain('"accepted":1');
  });

  it("survives a client that goes away in mid-body", async () => {
    const socket = connect({ host: "127.0.0.1", port: server.port });
    await new Promise<void>((resolve) =>
      socket.write(`${head("Content-Length: 1000")}[{"spec`, () => resolve()),
    );
    socket.destroy();
    expect((await post(server, [photoEvent("e")])).status).toBe(200);
    expect(server.published).toHaveLength(1);
  });
});

describe("other routes and requests of the same listener", () => {
  it("read their bodies as ever, and fail as problem documents", async () => {
    const send = (body: string, type = "application/json") =>
      fetch(`${server.origin}/other`, { method: "POST", headers: { "content-type": type }, body });
    expect(await (await send('{"a":1}')).json()).toEqual({ got: { a: 1 } });
    await expectProblem(await send("{"), 400, "malformed_json");
    await expectProblem(await send("x", "image/png"), 415, "unsupported_media_type");
    await expectProblem(await fetch(`${server.origin}/nowhere`), 404, "not_found");
    await expectProblem(await fetch(`${server.origin}/%zz`), 400, "bad_request");
  });

  it("answers bytes that are no HTTP as well", async () => {
    const { received } = await rawExchange(
      server.port,
      (send) => send("NONSENSE\r\n\r\n"),
      () => false,
    );
    expect(received).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/problem\+json\r\n/);
    expect(received).toContain('"code":"bad_request"');
  });
});
