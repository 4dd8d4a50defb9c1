import { once } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import { frontElsewhere } from "./gateway-fronts.ts";
import { eventually, httpRequest, RawClient, tokenOf, upgradeRequest } from "./gateway-harness.ts";
import {
  connect,
  handshake,
  nothingLeft,
  PATH,
  passedWebSocket,
  QUERY,
  startCluster,
  stockClient,
  upgraded,
  urlAt,
} from "./gateway-sessions.ts";

test("a client that goes away in mid-poll frees everything on both gateways", async () => {
  const { cluster, owner, passing } = await startCluster(2);
  const sid = await handshake(owner);
  await connect(passing, sid);
  await eventually(() => owner.gateway.connections.socketio === 1, "connected");
  // What has come so far, then one that waits.
  await (await fetch(urlAt(passing, sid))).text();
  const client = await RawClient.open(passing.port, httpRequest(`${PATH}${QUERY}&sid=${sid}`));
  await eventually(() => passing.gateway.stats.passedOn.requests === 1, "the poll is passed on");
  client.socket.destroy();
  await nothingLeft(cluster);
});

test("one that goes away in the midst of a POST, too", async () => {
  const { cluster, owner, passing } = await startCluster(2);
  const sid = await handshake(owner);
  await connect(passing, sid);
  await eventually(() => owner.gateway.connections.socketio === 1, "connected");
  const head = httpRequest(`${PATH}${QUERY}&sid=${sid}`, { "Content-Length": "100" });
  const client = await RawClient.open(passing.port, `${head.replace("GET", "POST")}42["re`);
  await eventually(() => passing.gateway.stats.passedOn.requests === 1, "passed on");
  client.socket.destroy();
  await nothingLeft(cluster);
});

test("what is passed on takes room: two descriptors each", async () => {
  const { owner, passing } = await startCluster(2, { maxConnections: 4 });
  await passedWebSocket(owner, passing);
  await eventually(() => passing.gateway.stats.passedOn.requests === 0, "its polls are over");
  const handshakes = [await handshake(passing), await handshake(passing)];
  expect(handshakes).toHaveLength(2);
  const full = await fetch(`${passing.url}${PATH}${QUERY}`);
  expect(await full.json()).toMatchObject({ status: 503, code: "overloaded" });
  const native = await RawClient.open(
    passing.port,
    upgradeRequest(PATH, { Authorization: `Bearer ${tokenOf("u")}` }),
  );
  await native.until(/HTTP\/1.1/, "an answer");
  native.socket.destroy();
});

describe("a gateway that passes on goes away", () => {
  test("drained: its stock clients come back over another one, nothing of their gateway's goes", async () => {
    const { cluster, owner, passing } = await startCluster(3, { drainTimeout: 3_000 });
    const third = cluster.gateways[2] ?? owner;
    const front = await frontElsewhere(cluster.gateways.map(({ port }) => port));
    onTestFinished(() => front.close());
    // Stays out until it is needed: whoever has the session, the other one of the two passes it on.
    front.without(third.port);
    const socket = stockClient(front.url);
    await eventually(() => upgraded(socket), "upgraded");
    const holds = [owner, passing].find(({ gateway }) => gateway.connections.socketio === 1);
    const passes = [owner, passing].find((gateway) => gateway !== holds);
    expect(passes?.gateway.stats.passedOn.upgrades).toBe(1);
    const reasons: string[] = [];
    socket.on("disconnect", (reason) => reasons.push(reason));
    front.with(third.port);
    if (passes !== undefined) front.without(passes.port);
    const again = new Promise((resolve) => socket.once("synced", resolve));
    const drained = passes?.gateway.drain();
    await again;
    await drained;
    expect(reasons).toEqual(["transport close"]);
    expect(socket.connected).toBe(true);
  });

  test("draining, it refuses upgrades, serves polls, and asks for another connection", async () => {
    const { owner, passing } = await startCluster(2, { drainTimeout: 2_000 });
    const sid = await handshake(owner);
    await connect(passing, sid);
    // Never answers, so the drain lasts.
    const deaf = await RawClient.open(
      passing.port,
      upgradeRequest("/ws/upload-progress", { Authorization: `Bearer ${tokenOf("u")}` }),
    );
    await deaf.until(/synced/, "synced");
    const drained = passing.gateway.drain();
    const path = `${PATH}${QUERY}&sid=${sid}`;
    const poll = await RawClient.open(passing.port, httpRequest(path));
    await poll.until(/\r\n\r\n40\{"sid"/, "the answer to the poll");
    expect(poll.text).toMatch(/^Connection: close\r$/m);
    const upgrade = await RawClient.open(passing.port, upgradeRequest(path.replace("polling", "websocket")));
    await upgrade.until(/^HTTP\/1.1 503 [\s\S]*"code":"draining"/, "the refusal");
    deaf.socket.destroy();
    await drained;
  });

  test("closed: at once, with all that it passed on", async () => {
    const { owner, passing } = await startCluster(2);
    const { client } = await passedWebSocket(owner, passing);
    const sid = await handshake(owner);
    const poll = await RawClient.open(passing.port, httpRequest(`${PATH}${QUERY}&sid=${sid}`));
    await eventually(() => passing.gateway.stats.passedOn.requests === 1, "the poll waits");
    const closed = once(client, "close");
    await passing.close();
    await closed;
    await eventually(() => poll.closed, "the poll is over");
    await eventually(() => owner.gateway.connections.socketio === 0, "its session is over");
  });
});

test("with --transports websocket a stock client is told what to set, and a WebSocket alone needs no other", async () => {
  const { cluster, owner } = await startCluster(2, { transports: ["websocket"] });
  const answers: string[] = [];
  const socket = stockClient(owner.url);
  socket.on("connect_error", (error) => {
    // The client empties it right after.
    answers.push(JSON.stringify("context" in error ? error.context : null));
  });
  await eventually(() => answers.length > 0, "refused");
  socket.disconnect();
  expect(JSON.parse(answers[0] ?? "")).toMatchObject({ status: 400 });
  expect(JSON.parse(JSON.parse(answers[0] ?? "").responseText)).toMatchObject({
    code: "transport_disabled",
    detail: expect.stringContaining('transports: ["websocket"]'),
  });
  for (const { url } of cluster.gateways) {
    const direct = stockClient(url, { transports: ["websocket"] });
    await eventually(() => direct.connected, "connected");
    expect(direct.io.engine.id).toMatch(/^[12]\.[\w-]{20}$/);
  }
});
