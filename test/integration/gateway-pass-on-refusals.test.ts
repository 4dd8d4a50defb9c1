import { once } from "node:events";
import { request as httpRequestTo } from "node:http";
import { createServer, type Socket as NetSocket } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { eventually, httpRequest, RawClient, type TestCluster, upgradeRequest } from "./gateway-harness.ts";
import { connect, handshake, PATH, post, QUERY, startCluster, urlAt } from "./gateway-sessions.ts";

const UNKNOWN = '{"code":1,"message":"Session ID unknown"}';

/** Something at another gateway's socket that is no gateway. */
async function impostor(
  { folder }: TestCluster,
  tag: string,
  onConnection: (socket: NetSocket) => void,
): Promise<void> {
  const sockets: NetSocket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    sockets.push(socket);
    onConnection(socket);
  });
  server.listen(join(folder, `gateway-${tag}.sock`));
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
}

describe("a session that is not there is unknown, to the byte as engine.io says it", () => {
  const sids = [
    ...["../x", "..%2F..%2Fx", "99.x", "1.", "1./x", "01.x", "1.unknown", "2.unknown", "9999999999.x", "x"],
    ...[`1.${"a".repeat(64)}`, `1.${"a".repeat(10_000)}`, "a".repeat(10_000)],
  ];

  test("to requests", async () => {
    const { passing } = await startCluster(2);
    for (const sid of sids) {
      for (const method of ["GET", "POST"]) {
        const body = method === "POST" ? "40" : null;
        const answer = await fetch(urlAt(passing, sid), { method, body });
        expect(answer.status).toBe(400);
        expect(answer.headers.get("content-type")).toBe("application/json");
        expect(await answer.text()).toBe(UNKNOWN);
      }
    }
    const { goneTotal, failedTotal } = passing.gateway.stats.passedOn;
    // Both that name a gateway which is not there: "99.x" and "01.x".
    expect({ goneTotal, failedTotal }).toEqual({ goneTotal: 4, failedTotal: 0 });
  });

  test("to upgrades", async () => {
    const { passing } = await startCluster(2);
    for (const sid of sids) {
      const path = `${PATH}?EIO=4&transport=websocket&sid=${sid}`;
      const client = await RawClient.open(passing.port, upgradeRequest(path));
      await eventually(() => client.closed, "the end of the connection");
      expect(client.text).toMatch(/^HTTP\/1.1 400 Bad Request\r\n[\s\S]*\r\n\r\nSession ID unknown$/);
    }
    await eventually(() => passing.gateway.stats.passedOn.upgrades === 0, "nothing left");
  });

  test("when its gateway resets the connection before an answer", async () => {
    const { cluster, passing } = await startCluster(2);
    await impostor(cluster, "9", (socket) => socket.destroy());
    for (const method of ["GET", "POST"]) {
      const answer = await fetch(urlAt(passing, "9.x"), { method, body: method === "POST" ? "40" : null });
      expect([answer.status, await answer.text()]).toEqual([400, UNKNOWN]);
    }
    const path = `${PATH}?EIO=4&transport=websocket&sid=9.x`;
    const client = await RawClient.open(passing.port, upgradeRequest(path));
    await client.until(/^HTTP\/1.1 400 [\s\S]*Session ID unknown$/, "the refusal");
    expect(passing.gateway.stats.passedOn).toMatchObject({ upgrades: 0, requests: 0, goneTotal: 3 });
  });

  test("when its gateway has gone, and was replaced by another one", async () => {
    const { owner, passing } = await startCluster(2);
    const sid = await handshake(owner);
    await connect(passing, sid);
    await owner.close();
    expect(await (await fetch(urlAt(passing, sid))).text()).toBe(UNKNOWN);
  });
});

test("a gateway that does not answer in time is 503 overloaded, and holds nothing", async () => {
  const { cluster, passing } = await startCluster(2, {
    connectTimeout: 200,
    heartbeatInterval: 100,
    heartbeatTimeout: 100,
  });
  await impostor(cluster, "9", (socket) => socket.resume());
  const upgrade = await RawClient.open(
    passing.port,
    upgradeRequest(`${PATH}?EIO=4&transport=websocket&sid=9.x`),
  );
  const answers = await Promise.all([fetch(urlAt(passing, "9.x")), post(passing, "9.x", "40")]);
  for (const answer of answers) {
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).not.toBeNull();
    expect(await answer.json()).toMatchObject({ code: "overloaded" });
  }
  await upgrade.until(/^HTTP\/1.1 503 [\s\S]*"code":"overloaded"/, "the refusal of the upgrade");
  await eventually(() => upgrade.closed, "the end of the connection");
  expect(passing.gateway.stats.passedOn).toMatchObject({ upgrades: 0, requests: 0, failedTotal: 3 });
});

test("an answer that breaks off is broken off for the client too", async () => {
  const { cluster, passing } = await startCluster(2);
  await impostor(cluster, "9", (socket) =>
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")),
  );
  const client = await RawClient.open(passing.port, httpRequest(`${PATH}${QUERY}&sid=9.x`));
  await eventually(() => client.closed, "the end of the connection");
  expect(client.text).toMatch(/\r\n\r\nhalf$/);
  expect(passing.gateway.stats.passedOn.requests).toBe(0);
});

describe("headers", () => {
  test("CORS is said once, by the gateway that was asked, and what is for one hop stays there", async () => {
    const origin = "https://app.example";
    const { owner, passing } = await startCluster(2, { corsOrigins: [origin] });
    const sid = await handshake(owner);
    const path = `${PATH}${QUERY}&sid=${sid}`;
    const headers = { Origin: origin, Connection: "keep-alive, X-Hop", "X-Hop": "1", TE: "trailers" };
    const client = await RawClient.open(passing.port, httpRequest(path, headers));
    await connect(passing, sid);
    await client.until(/\r\n\r\n40\{"sid"/, "the answer to the poll");
    const [head = ""] = client.text.split("\r\n\r\n");
    for (const name of ["access-control-allow-origin", "vary", "date", "content-length", "connection"]) {
      expect(head.match(new RegExp(`^${name}:`, "gim")), name).toHaveLength(1);
    }
    expect(head).toContain(`Access-Control-Allow-Origin: ${origin}`);
    client.socket.destroy();
    const strange = await fetch(urlAt(passing, sid), { headers: { origin: "https://other.example" } });
    expect(await strange.json()).toMatchObject({ code: "origin_not_allowed" });
  });

  test("a GET's body is not passed on, since nothing would frame it", async () => {
    const { cluster, passing } = await startCluster(2);
    let got = "";
    await impostor(cluster, "9", (socket) =>
      socket.on("data", (chunk) => {
        got += chunk;
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      }),
    );
    const inner = httpRequest("/healthz");
    const head = httpRequest(`${PATH}${QUERY}&sid=9.x`, { "Content-Length": String(inner.length) });
    const client = await RawClient.open(passing.port, head + inner);
    await client.until(/\r\n\r\nok$/, "the answer");
    client.socket.write(httpRequest(`${PATH}${QUERY}&sid=9.x`));
    await client.until(/\r\n\r\nok[\s\S]*\r\n\r\nok$/, "the next answer");
    expect(got.match(/^GET /gm)).toHaveLength(2);
    expect(got).not.toMatch(/healthz|content-length/i);
  });

  test("a body can't become a request of its own on the way", async () => {
    const { owner, passing } = await startCluster(2);
    const sid = await handshake(owner);
    const path = `${PATH}${QUERY}&sid=${sid}`;
    const inner = httpRequest("/healthz");
    const length = { "Content-Length": String(inner.length) };
    const get = await RawClient.open(passing.port, httpRequest(path, length) + inner);
    await connect(passing, sid);
    await get.until(/\r\n\r\n40\{"sid"/, "the answer to the poll");
    const hidden = { ...length, Connection: "Content-Length" };
    const asPost = httpRequest(path, hidden).replace("GET", "POST");
    const posted = await RawClient.open(passing.port, asPost + inner);
    await posted.until(/^HTTP\/1.1 200 OK[\s\S]*ok$/, "the answer to the POST");
    get.socket.write(httpRequest("/healthz"));
    await get.until(/\{"status":"ok"\}/, "the next request of the connection");
    expect(get.text.match(/HTTP\/1.1/g)).toHaveLength(2);
    expect(posted.text.match(/HTTP\/1.1/g)).toHaveLength(1);
  });
});

test("a gateway's own socket serves Socket.IO's sessions and nothing else, and passes nothing on", async () => {
  const { cluster, owner, passing } = await startCluster(2);
  const sid = await handshake(owner);
  const socketPath = join(cluster.folder, "gateway-2.sock");
  const ask = async (path: string, headers = {}): Promise<number | undefined> => {
    const request = httpRequestTo({ socketPath, path, headers });
    request.end();
    const [answer] = await once(request, "response");
    answer.resume();
    return answer.statusCode;
  };
  for (const path of ["/healthz", "/api/v1/upload-progress", `${PATH}${QUERY}`, `${PATH}${QUERY}&sid=`]) {
    expect(await ask(path), path).toBe(404);
  }
  expect(await ask(`${PATH}${QUERY}&sid=${sid}`)).toBe(400);
  expect(owner.gateway.stats.passedOn).toMatchObject({ requestsTotal: 0 });
  expect(passing.gateway.stats.passedOn).toMatchObject({ requestsTotal: 0 });
  const upgrade = { Connection: "Upgrade", Upgrade: "websocket" };
  expect(await ask("/ws/upload-progress", upgrade)).toBe(404);
});
