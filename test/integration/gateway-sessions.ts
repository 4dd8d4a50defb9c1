import { once } from "node:events";
import { io, type Socket } from "socket.io-client";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { eventually, type TestCluster, type TestGateway, testCluster, tokenOf } from "./gateway-harness.ts";

// Socket.IO sessions of one gateway, used over another one.

export const PATH = "/ws/upload-progress/";
export const QUERY = "?EIO=4&transport=polling";

/** Gateways until the test has finished; by what the tests do, the first has sessions and the second passes them on. */
export async function startCluster(...[size, ...settings]: Parameters<typeof testCluster>) {
  const cluster = await testCluster(size, ...settings);
  onTestFinished(() => cluster.close());
  const [owner, passing] = cluster.gateways;
  if (owner === undefined || passing === undefined) throw new Error("two gateways at least");
  return { cluster, owner, passing };
}

/** A session at the gateway; its id. */
export async function handshake(gateway: TestGateway): Promise<string> {
  const answer = await fetch(`${gateway.url}${PATH}${QUERY}`);
  return JSON.parse((await answer.text()).slice(1)).sid;
}

export const urlAt = (gateway: TestGateway, sid: string) => `${gateway.url}${PATH}${QUERY}&sid=${sid}`;

export const post = (gateway: TestGateway, sid: string, body: string) =>
  fetch(urlAt(gateway, sid), { method: "POST", body });

export const connect = (gateway: TestGateway, sid: string) =>
  post(gateway, sid, `40${JSON.stringify({ token: tokenOf("u") })}`);

/** With default options, but for the path and a short wait. */
export function stockClient(url: string, options: Parameters<typeof io>[1] = {}) {
  const socket = io(url, {
    path: PATH,
    forceNew: true,
    auth: { token: tokenOf("u") },
    reconnectionDelay: 10,
    ...options,
  });
  onTestFinished(() => void socket.disconnect());
  return socket;
}

export const upgraded = (socket: Socket) => socket.io.engine?.transport?.name === "websocket";

/** Waits until what gateways count of Socket.IO and of passing on is nothing. */
export async function nothingLeft({ gateways }: TestCluster): Promise<void> {
  await eventually(
    () =>
      gateways.every(({ gateway: { stats, connections } }) => {
        const { upgrades, requests, bufferedBytes } = stats.passedOn;
        return upgrades + requests + bufferedBytes + stats.bufferedBytes + connections.socketio === 0;
      }),
    "nothing left on any gateway",
    15_000,
  );
}

/** A session of the owner, upgraded over the other gateway; what comes is recorded while it reads. */
export async function passedWebSocket(owner: TestGateway, passing: TestGateway) {
  const sid = await handshake(owner);
  await connect(passing, sid);
  const url = `${passing.url.replace("http", "ws")}${PATH}?EIO=4&transport=websocket&sid=${sid}`;
  const client = new WebSocket(url);
  onTestFinished(() => client.terminate());
  const messages: Record<string, unknown>[] = [];
  client.on("error", () => {});
  client.on("message", (data) => {
    const text = data.toString();
    if (text === "3probe") client.send("5");
    if (text === "2") client.send("3");
    if (text.startsWith("42")) messages.push(JSON.parse(text.slice(text.indexOf(",") + 1, -1)));
  });
  await once(client, "open");
  client.send("2probe");
  await eventually(() => messages.some(({ type }) => type === "synced"), "synced over the WebSocket");
  return { client, messages };
}
