import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import {
  eventually,
  RawClient,
  type TestGateway,
  testGateway,
  tokenOf,
  upgradeRequest,
} from "./gateway-harness.ts";

const PATH = "/ws/upload-progress";
let hub: TestGateway;
const open: WebSocket[] = [];

beforeEach(async () => {
  hub = await testGateway();
});

afterEach(async () => {
  for (const client of open.splice(0)) client.terminate();
  await hub.close();
});

interface Client {
  readonly socket: WebSocket;
  readonly frames: Record<string, unknown>[];
  /** Set when closed. */
  code: number | null;
}

function connect(query = `?access_token=${tokenOf("u")}`, protocols: string[] = [], headers = {}): Client {
  const socket = new WebSocket(`${hub.url.replace("http", "ws")}${PATH}${query}`, protocols, { headers });
  open.push(socket);
  const client: Client = { socket, frames: [], code: null };
  socket.on("error", () => {});
  socket.on("message", (data) => client.frames.push(JSON.parse(data.toString())));
  socket.on("close", (code) => {
    client.code = code;
  });
  return client;
}

const has = (client: Client, type: string) => client.frames.some((frame) => frame.type === type);

async function connected(...args: Parameters<typeof connect>): Promise<Client> {
  const client = connect(...args);
  await eventually(() => has(client, "synced"), "synced");
  return client;
}

describe("tokens", () => {
  test("in the query, in the header, in a subprotocol", async () => {
    await connected();
    await connected("", [], { authorization: `Bearer ${tokenOf("u")}` });
    const byProtocol = await connected("", ["progress-hub.v1", `bearer.${tokenOf("u")}`]);
    expect(byProtocol.socket.protocol).toBe("progress-hub.v1");
    expect(hub.gateway.connections.websocket).toBe(3);
  });

  test.each([
    ["token_missing", ""],
    ["token_invalid", "?access_token=x"],
    ["token_expired", () => `?access_token=${tokenOf("u", -1)}`],
  ])("refused before the upgrade: %s", async (code, query) => {
    const path = `${PATH}${typeof query === "string" ? query : query()}`;
    const client = await RawClient.open(hub.port, upgradeRequest(path));
    await eventually(() => client.closed, "closed");
    expect(client.text).toMatch(/^HTTP\/1.1 401 Unauthorized\r\n/);
    expect(client.text).toContain("Content-Type: application/problem+json\r\n");
    expect(client.text).toContain("WWW-Authenticate: Bearer\r\n");
    expect(client.text).toContain(`"code":"${code}"`);
  });

  test("a job id that can't be one is refused", async () => {
    const client = await RawClient.open(
      hub.port,
      upgradeRequest(`${PATH}?access_token=${tokenOf("u")}&jobId=a%20b`),
    );
    await client.until(/"code":"bad_request"/, "the refusal");
  });
});

describe("client frames", () => {
  test.each([
    ["text that is no JSON", "hello", 4400],
    ["another type", '{"type":"subscribe"}', 4400],
    ["a refresh without a token", '{"type":"refresh"}', 4400],
    ["a token that is no string", '{"type":"refresh","token":1}', 4400],
    ["JSON that is no object", "null", 4400],
    ["a binary frame", Buffer.from('{"type":"refresh","token":"x"}'), 4400],
    ["more than 4 KiB", `{"type":"refresh","token":"${"x".repeat(4_096)}"}`, 1009],
  ])("%s closes", async (_name, frame, code) => {
    const client = await connected();
    client.socket.send(frame);
    await eventually(() => client.code !== null, "closed");
    expect(client.code).toBe(code);
    await eventually(() => hub.gateway.connections.websocket === 0, "not counted any more");
  });

  test("refresh takes another token of the same user alone", async () => {
    const client = await connected();
    client.socket.send(JSON.stringify({ type: "refresh", token: tokenOf("u", 500) }));
    await eventually(() => has(client, "refreshed"), "refreshed");
    const { expiresIn } = client.frames.at(-1) ?? {};
    expect([499, 500]).toContain(expiresIn);
    for (const [token, code] of [
      [tokenOf("other"), "token_invalid"],
      [tokenOf("u", -1), "token_expired"],
      ["", "token_missing"],
    ]) {
      const before = client.frames.length;
      client.socket.send(JSON.stringify({ type: "refresh", token }));
      await eventually(() => client.frames.length > before, "an answer");
      expect(client.frames.at(-1)).toEqual({ type: "refresh_failed", code });
    }
    expect(client.code).toBeNull();
  });

  test("a flood of them is answered in order, one after the other", async () => {
    const client = await connected();
    for (let seconds = 101; seconds <= 150; seconds += 1) {
      client.socket.send(JSON.stringify({ type: "refresh", token: tokenOf("u", seconds) }));
    }
    await eventually(
      () => client.frames.filter(({ type }) => type === "refreshed").length === 50,
      "50 answers",
    );
    const answers = client.frames
      .filter(({ type }) => type === "refreshed")
      .map(({ expiresIn }) => Number(expiresIn));
    expect(answers).toEqual([...answers].sort((a, b) => a - b));
  });

  test("its pings are answered", async () => {
    const client = await connected();
    client.socket.ping("are you there");
    const [payload] = await once(client.socket, "pong");
    expect(String(payload)).toBe("are you there");
  });
});

describe("heartbeats", () => {
  beforeEach(async () => {
    await hub.close();
    hub = await testGateway({ heartbeatInterval: 100, heartbeatTimeout: 150 });
  });

  test("one that answers stays, and sees them as messages too", async () => {
    const client = await connected();
    let pings = 0;
    client.socket.on("ping", () => {
      pings += 1;
    });
    await eventually(() => pings >= 6, "six pings");
    expect(client.frames.filter(({ type }) => type === "heartbeat").length).toBeGreaterThanOrEqual(5);
    expect(client.code).toBeNull();
  });

  test("a half-open connection is gone within interval and timeout", async () => {
    const client = await RawClient.open(hub.port, upgradeRequest(`${PATH}?access_token=${tokenOf("u")}`));
    await client.until(/^HTTP\/1.1 101 /, "the upgrade");
    const startMs = performance.now();
    await eventually(() => client.closed, "dropped");
    const tookMs = performance.now() - startMs;
    expect(tookMs).toBeGreaterThan(200);
    // Beside the two: a tick each, and one more turn for a pong that was on its way.
    expect(tookMs).toBeLessThan(100 + 150 + 250);
    expect(hub.gateway.connections.websocket).toBe(0);
  });
});
