import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { event } from "../events.ts";
import {
  eventually,
  httpRequest,
  RawClient,
  type TestGateway,
  testGateway,
  tokenOf,
} from "./gateway-harness.ts";

// What `curl --http2` and Java's HttpClient send on plain HTTP: an offer that may be ignored (RFC 9110, 7.8).

const PATH = "/api/v1/upload-progress";
const h2c = {
  Connection: "Upgrade, HTTP2-Settings",
  Upgrade: "h2c",
  "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA",
};
const authorization = () => ({ Authorization: `Bearer ${tokenOf("u")}` });
let hub: TestGateway;
const open: RawClient[] = [];

beforeEach(async () => {
  hub = await testGateway();
  await hub.engine.publish([event.created({ photoCount: 1 }), event.started()]);
});

afterEach(async () => {
  for (const client of open.splice(0)) client.socket.destroy();
  await hub.close();
});

async function ask(request: string): Promise<RawClient> {
  const client = await RawClient.open(hub.port, request);
  open.push(client);
  return client;
}

const connected = () => Object.values(hub.gateway.connections).reduce((sum, count) => sum + count, 0);

describe("an upgrade to something else than a WebSocket is ignored", () => {
  test.each([
    ["/healthz", {}, /^HTTP\/1.1 200 OK\r\n[\s\S]*\{"status":"ok"\}\r\n0\r\n\r\n$/],
    ["/nothing", {}, /^HTTP\/1.1 404 [\s\S]*"code":"not_found"/],
    [`${PATH}/j`, { Accept: "application/json" }, /^HTTP\/1.1 401 [\s\S]*"code":"token_missing"/],
    ["/ws/upload-progress", {}, /^HTTP\/1.1 400 [\s\S]*"code":"bad_request"/],
    ["/ws/upload-progress/?EIO=4&transport=polling", {}, /^HTTP\/1.1 200 [\s\S]*"sid":/],
  ])("%s", async (path, headers, answer) => {
    const client = await ask(httpRequest(path, { ...h2c, ...headers }));
    await client.until(answer, "the answer");
    expect(client.text).toContain("\r\nConnection: close\r\n");
    await eventually(() => client.closed, "the end of the connection");
  });

  test("a poll is answered whole, however long it is", async () => {
    const photos = Array.from({ length: 2_000 }, (_, index) => event.started({ photoId: `p${index}` }));
    await hub.engine.publish(photos);
    const client = await ask(
      httpRequest(`${PATH}/j`, { ...h2c, ...authorization(), Accept: "application/json" }),
    );
    await eventually(() => client.closed, "the end of the connection");
    expect(client.text).toMatch(/^HTTP\/1.1 200 [\s\S]*"pollAfterMs":2000\}\r\n0\r\n\r\n$/);
    expect(client.text).toContain('"photoId":"p1999"');
  });

  test("a poll that waits is gone with its client", async () => {
    const waiting = `${PATH}?wait=60s`;
    const idle = { Authorization: `Bearer ${tokenOf("nobody")}`, Accept: "application/json" };
    const client = await ask(httpRequest(waiting, { ...h2c, ...idle }));
    await eventually(() => hub.gateway.connections.polling === 1, "the poll waits");
    client.socket.destroy();
    await eventually(() => connected() === 0, "gone");
  });

  test.each(["destroy", "end"] as const)(
    "a stream is live, and gone after its client's %s",
    async (leave) => {
      const client = await ask(httpRequest(`${PATH}/j`, { ...h2c, ...authorization() }));
      await client.until(/event: synced/, "synced");
      expect(hub.gateway.connections.sse).toBe(1);
      await hub.engine.publish([event.progressed(500)]);
      await client.until(/event: upload_progress\ndata: .*"bytesTransferred":500/, "live progress");
      client.socket.write("PRI * HTTP/2.0\r\n\r\n");
      client.socket[leave]();
      await eventually(() => connected() === 0, "gone");
      expect(hub.gateway.stats.bufferedBytes).toBe(0);
    },
  );

  test("a stream ends with its job", async () => {
    const client = await ask(httpRequest(`${PATH}/j`, { ...h2c, ...authorization() }));
    await client.until(/event: synced/, "synced");
    await hub.engine.publish([event.completed()]);
    await client.until(/event: job_completed[\s\S]*\r\n0\r\n\r\n$/, "the end of the stream");
    await eventually(() => client.closed && connected() === 0, "gone");
  });

  test.each([
    ["a body of known length", "Content-Length: 2\r\n\r\n40"],
    ["a body still to come", "Content-Length: 2\r\n\r\n"],
    ["a chunked body", "Transfer-Encoding: chunked\r\n\r\n2\r\n40\r\n0\r\n\r\n"],
  ])("but %s is refused", async (_name, rest) => {
    const path = "/ws/upload-progress/?EIO=4&transport=polling";
    const head = `POST ${path} HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n`;
    const client = await ask(head + rest);
    await client.until(/^HTTP\/1.1 400 [\s\S]*"code":"bad_request"/, "the refusal");
    await eventually(() => client.closed, "the end of the connection");
  });

  test("one behind a request that is not answered yet ends the connection", async () => {
    const first = httpRequest(`${PATH}/j`, authorization());
    const client = await ask(first);
    await client.until(/event: synced/, "synced");
    client.socket.write(httpRequest("/healthz", h2c));
    await eventually(() => client.closed && connected() === 0, "gone");
    expect(client.text).not.toContain('{"status":"ok"}');
  });

  test("curl --http2 gets its answer", async () => {
    const json = ["-H", "Accept: application/json", "-H", `Authorization: Bearer ${tokenOf("u")}`];
    const { stdout } = await promisify(execFile)("curl", ["-s", "--http2", ...json, `${hub.url}${PATH}/j`]);
    expect(JSON.parse(stdout)).toMatchObject({ pollAfterMs: 2_000 });
  });
});
