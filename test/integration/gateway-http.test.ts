import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { event } from "../events.ts";
import {
  eventually,
  httpRequest,
  RawClient,
  type TestGateway,
  testGateway,
  tokenOf,
  upgradeRequest,
} from "./gateway-harness.ts";

const PATH = "/api/v1/upload-progress";
const JSON_ONLY = { accept: "application/json" };
let hub: TestGateway;

beforeAll(async () => {
  hub = await testGateway({ corsOrigins: ["https://app.example"] });
  await hub.engine.publish([event.created({ photoCount: 1 }), event.started()]);
});

afterAll(() => hub.close());

const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  fetch(`${hub.url}${path}`, { headers, method });

describe("tokens", () => {
  test.each([
    ["in the header", `${PATH}/j`, () => ({ authorization: `Bearer ${tokenOf("u")}` })],
    ["in the query", () => `${PATH}/j?access_token=${tokenOf("u")}`, () => ({})],
  ])("%s", async (_name, path, headers) => {
    const answer = await get(typeof path === "string" ? path : path(), { ...JSON_ONLY, ...headers() });
    expect(answer.status).toBe(200);
  });

  test.each([
    ["token_missing", {}],
    ["token_invalid", { authorization: "Bearer nonsense" }],
    [
      "token_invalid",
      { authorization: `Bearer ${tokenOf("u", 60, "another-secret-of-thirty-two-bytes!!")}` },
    ],
    ["token_expired", { authorization: `Bearer ${tokenOf("u", -5)}` }],
  ])("refused: %s", async (code, headers) => {
    for (const accept of ["application/json", "text/event-stream"]) {
      const answer = await get(PATH, { accept, ...headers });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(await answer.json()).toMatchObject({ status: 401, code });
    }
  });
});

describe("paths and methods", () => {
  test("health", async () => {
    expect((await get("/healthz")).status).toBe(200);
    expect((await get("/readyz")).status).toBe(200);
    expect((await get("/readyz", {}, "HEAD")).status).toBe(200);
  });

  test.each(["/", "/nothing", "/ws/other", "/api/v1/upload-progressive", "//", "/%"])(
    "unknown: %s",
    async (path) => {
      const client = await RawClient.open(hub.port, httpRequest(path));
      await client.until(/"code":"not_found"/, "the problem");
      expect(client.text).toMatch(/^HTTP\/1.1 404 /);
      client.socket.destroy();
    },
  );

  test.each([
    [PATH, "POST", "GET, OPTIONS"],
    [`${PATH}/j`, "HEAD", "GET, OPTIONS"],
    [`${PATH}/j`, "DELETE", "GET, OPTIONS"],
    ["/ws/upload-progress?EIO=4", "PUT", "GET, POST, OPTIONS"],
    ["/healthz", "POST", "GET, HEAD, OPTIONS"],
  ])("%s does not take %s", async (path, method, allow) => {
    const answer = await get(path, {}, method);
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe(allow);
  });

  test("the WebSocket path without an upgrade says what it wants", async () => {
    const answer = await get("/ws/upload-progress");
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: "bad_request" });
  });

  test.each([`${PATH}/a%20b`, `${PATH}/${"x".repeat(129)}`, `${PATH}/a/b`, `${PATH}/%ff`, `${PATH}/`])(
    "%s can't be a job",
    async (path) => {
      const answer = await get(path, { authorization: `Bearer ${tokenOf("u")}` });
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ code: "job_not_found" });
    },
  );
});

describe("the request line", () => {
  test.each([".", "..", "%2e%2e", "%2E", "%6a%6f%62"])(
    "job id %s is taken as it is written",
    async (written) => {
      const jobId = decodeURIComponent(written);
      await hub.engine.publish([event.progressed(7, { jobId, userId: "dots" })]);
      const headers = { Authorization: `Bearer ${tokenOf("dots")}`, Accept: "application/json" };
      const client = await RawClient.open(hub.port, httpRequest(`${PATH}/${written}?a=/../#x`, headers));
      await client.until(/"pollAfterMs":2000/, "the answer");
      expect(client.text).toMatch(/^HTTP\/1.1 200 /);
      expect(client.text).toContain(`"jobId":${JSON.stringify(jobId)}`);
      client.socket.destroy();
    },
  );

  test.each(["http://hub/healthz", "HTTP://hub:80/healthz?x=1", "/healthz#x"])(
    "%s is found",
    async (target) => {
      const client = await RawClient.open(hub.port, httpRequest(target));
      await client.until(/"status":"ok"/, "the answer");
      client.socket.destroy();
    },
  );

  test.each(["http://hub", "/./healthz", "/x/../healthz", "*"])("%s is not", async (target) => {
    const client = await RawClient.open(hub.port, httpRequest(target));
    await client.until(/"code":"not_found"/, "the problem");
    client.socket.destroy();
  });

  test("an absolute one keeps its query", async () => {
    const target = `http://hub${PATH}/j?access_token=${tokenOf("u")}`;
    const client = await RawClient.open(hub.port, httpRequest(target, { Accept: "application/json" }));
    await client.until(/"pollAfterMs":2000/, "the answer");
    client.socket.destroy();
  });
});

describe("origins", () => {
  const authorization = () => ({ authorization: `Bearer ${tokenOf("u")}`, ...JSON_ONLY });

  test("an allowed one is named in the answer, also of an error", async () => {
    for (const headers of [authorization(), JSON_ONLY]) {
      const answer = await get(PATH, { ...headers, origin: "https://app.example" });
      expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example");
    }
  });

  test("its preflight is answered", async () => {
    const headers = {
      origin: "https://app.example",
      "access-control-request-method": "GET",
      "access-control-request-headers": "authorization",
    };
    const answer = await get(PATH, headers, "OPTIONS");
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-headers")).toMatch(/Authorization/);
    expect(answer.headers.get("access-control-allow-methods")).toMatch(/GET/);
  });

  test("the hub's own needs no permission", async () => {
    const answer = await get(PATH, { ...authorization(), origin: hub.url });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });

  test.each(["https://evil.example", "null", "https://app.example.evil.example", "http://app.example"])(
    "%s may not, by HTTP nor by WebSocket",
    async (origin) => {
      const answer = await get(PATH, { ...authorization(), origin });
      expect(answer.status).toBe(403);
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
      expect(await answer.json()).toMatchObject({ code: "origin_not_allowed" });
      for (const query of [`access_token=${tokenOf("u")}`, "EIO=4&transport=websocket"]) {
        const path = `/ws/upload-progress?${query}`;
        const client = await RawClient.open(hub.port, upgradeRequest(path, { Origin: origin }));
        await client.until(/origin_not_allowed/, "the refusal");
        expect(client.text).toMatch(/^HTTP\/1.1 403 /);
      }
    },
  );

  test("an allowed one may upgrade", async () => {
    const path = `/ws/upload-progress?access_token=${tokenOf("u")}`;
    const client = await RawClient.open(hub.port, upgradeRequest(path, { Origin: "https://app.example" }));
    await client.until(/^HTTP\/1.1 101 /, "the upgrade");
    client.socket.destroy();
  });
});

describe("slow clients", () => {
  test.each([
    ["says nothing", ""],
    ["never ends its headers", "GET / HTTP/1.1\r\nHost: hub\r\nX-Slow: "],
    [
      "never sends its body",
      "POST /ws/upload-progress?EIO=4 HTTP/1.1\r\nHost: hub\r\nContent-Length: 10\r\n\r\n",
    ],
  ])("one that %s is dropped within connect-timeout", async (_name, request) => {
    const strict = await testGateway({ connectTimeout: 200 });
    try {
      const client = await RawClient.open(strict.port, request);
      await eventually(() => client.closed, "dropped");
    } finally {
      await strict.close();
    }
  });
});

test("a full gateway refuses with a time to come back, each way in its own form", async () => {
  const full = await testGateway({ maxConnections: 1 });
  try {
    const authorization = { Authorization: `Bearer ${tokenOf("u")}` };
    const first = await RawClient.open(full.port, httpRequest(PATH, authorization));
    await first.until(/event: synced/, "the one that fits");
    const upgrade = await RawClient.open(full.port, upgradeRequest("/ws/upload-progress", authorization));
    await upgrade.until(/"code":"overloaded"/, "the refusal");
    expect(upgrade.text).toMatch(/^HTTP\/1.1 503 (?:.*\r\n)*Retry-After: \d+\r\n/);
    const handshake = await fetch(`${full.url}/ws/upload-progress/?EIO=4&transport=polling`);
    expect(handshake.status).toBe(503);
    expect(Number(handshake.headers.get("retry-after"))).toBeGreaterThan(0);
    const poll = await fetch(`${full.url}${PATH}`, { headers: { ...JSON_ONLY, ...authorization } });
    expect(poll.status).toBe(503);
    const stream = await fetch(`${full.url}${PATH}`, { headers: authorization });
    expect(stream.status).toBe(200);
    expect(stream.headers.get("content-type")).toBe("text/event-stream");
    expect(await stream.text()).toMatch(/^retry: \d+\n\n$/);
    first.socket.destroy();
    await eventually(async () => {
      const again = await fetch(`${full.url}${PATH}`, { headers: { ...JSON_ONLY, ...authorization } });
      return again.status === 200;
    }, "room again");
  } finally {
    await full.close();
  }
});
