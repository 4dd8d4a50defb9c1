import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { socketIoClient } from "../../simulator/oracle/clients/socketio.ts";
import { Oracle } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { settingsFor } from "../../src/config/load.ts";
import { type Watcher, watchers } from "../clients.ts";
import { event } from "../events.ts";
import { tokenFor } from "../faults/cluster.ts";
import { describeWithFleet, endFleets, type Fleet, startFleet } from "../nginx/fleet.ts";
import { nginxExample, startNginx } from "../nginx/server.ts";

// Whoever copies the configuration of docs/several-hubs.md gets what is shown here.

const HEARTBEAT_MS = 1_000;
const READ_TIMEOUT_MS = 3_000;
/** Some milliseconds, but for a busy machine; what is held back until a buffer is full does not come at all. */
const AT_ONCE_MS = 5_000;

const WAYS = ["websocket", "socketio", "socketio by polling alone", "sse", "polling"] as const;

let fleet: Fleet;
const open: Watcher[] = [];

function watch(way: (typeof WAYS)[number], userId: string, publicUrl = fleet.nginx.url): Watcher {
  const options = { publicUrl, token: tokenFor(userId) };
  const watcher =
    way === "socketio by polling alone"
      ? watchers.socketio({ ...options, transports: ["polling"] })
      : watchers[way](options);
  open.push(watcher);
  return watcher;
}

async function watchAllWays(userId: string): Promise<readonly Watcher[]> {
  const all = WAYS.map((way) => watch(way, userId));
  await Promise.all(all.map((one) => one.until(({ syncs }) => syncs > 0, "synced", 10_000)));
  return all;
}

const hasBytes = (bytes: number) => (watcher: Watcher) =>
  watcher.messages.some(({ photoId, bytesTransferred }) => photoId === "p" && bytesTransferred === bytes);

/** Each of them before the next is told. */
async function tellInSteps(userId: string, jobId: string, all: readonly Watcher[]): Promise<void> {
  for (const bytes of [100, 200, 300]) {
    await fleet.post(event.progressed(bytes, { userId, jobId }));
    await Promise.all(all.map((one) => one.until(hasBytes(bytes), `${bytes} bytes`, AT_ONCE_MS)));
  }
}

interface Stream {
  text(): string;
  readonly hasEnded: boolean;
  close(): void;
}

/** An SSE stream as it comes over the wire. */
async function openStream(userId: string): Promise<Stream> {
  const headers = { authorization: `Bearer ${tokenFor(userId)}`, accept: "text/event-stream" };
  const stop = new AbortController();
  const response = await fetch(`${fleet.nginx.url}/api/v1/upload-progress`, {
    headers,
    signal: stop.signal,
  });
  const { body } = response;
  if (response.status !== 200 || body === null) throw new Error(`SSE: ${response.status}`);
  let [text, hasEnded] = ["", false];
  const read = async () => {
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) text += chunk;
  };
  read()
    .catch(() => {})
    .finally(() => {
      hasEnded = true;
    });
  return {
    text: () => text,
    get hasEnded() {
      return hasEnded;
    },
    close: () => stop.abort(),
  };
}

const heartbeatsIn = (text: string) => text.split("\n").filter((line) => line.startsWith(":")).length;

/** Requests that nginx has logged, of this path, with the hub each went to. */
function logged(path: string): readonly { readonly line: string; readonly hub: string }[] {
  const lines = fleet.nginx.accessLog().split("\n");
  return lines
    .filter((line) => line.includes(` ${path}"`))
    .map((line) => ({ line, hub: /" \d+ (\S+) /.exec(line)?.[1] ?? "" }));
}

/** Transport and client address of each connection of the user, as the hubs' logs tell them. */
function addressesOf(userId: string): readonly string[] {
  const lines = fleet.hubs.flatMap(({ stderr }) => stderr.split("\n"));
  const opened = lines.filter((line) => line.endsWith("}") && line.includes('"connection opened"'));
  return opened
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter((line) => line.userId === userId)
    .map(({ transport, address }) => `${transport} ${address}`);
}

const SOCKETIO_PATH = "/ws/upload-progress/";

describeWithFleet("two hubs behind the nginx of docs/several-hubs.md", () => {
  beforeAll(async () => {
    const log = ["--trusted-proxies", "127.0.0.1", "--log-level", "debug"];
    const flags = ["--heartbeat-interval", `${HEARTBEAT_MS}ms`, ...log];
    fleet = await startFleet({ flags, readTimeout: `${READ_TIMEOUT_MS}ms` });
  });

  afterEach(() => {
    for (const watcher of open.splice(0)) watcher.close();
  });

  afterAll(endFleets);

  it("messages come through at once, whichever way", async () => {
    const all = await watchAllWays("ways");
    await tellInSteps("ways", "job-ways", all);
    const completed = { userId: "ways", jobId: "job-ways" };
    await fleet.post(event.completed(completed), event.jobCompleted({ ...completed, photoCount: 1 }));
    const isOver = ({ messages }: Watcher) => messages.some(({ type }) => type === "job_completed");
    await Promise.all(all.map((one) => one.until(isOver, "the job's end", AT_ONCE_MS)));
    expect(all.map((one) => one.view())).toEqual(all.map(() => all[0]?.view()));
    expect(all.flatMap(({ ends }) => ends)).toEqual([]);
  });

  it("an SSE stream is not collected: head, events and heartbeats are there while it goes on", async () => {
    const stream = await openStream("raw");
    await until(() => stream.text().includes('"synced"'), "synced", 5_000, stream.text);
    await fleet.post(event.progressed(100, { userId: "raw", jobId: "job-raw" }));
    await until(() => stream.text().includes('"bytesTransferred":100'), "the event", AT_ONCE_MS, stream.text);
    const before = heartbeatsIn(stream.text());
    await until(() => heartbeatsIn(stream.text()) >= before + 2, "two heartbeats", 10_000, stream.text);
    expect(stream.hasEnded).toBe(false);
    stream.close();
  });

  it("heartbeats keep what is idle above the time-out of nginx", async () => {
    const all = (await watchAllWays("idle")).filter(({ kind }) => kind !== "polling");
    const [webSocket] = all;
    const stream = await openStream("idle");
    const beats = Math.ceil((2 * READ_TIMEOUT_MS) / HEARTBEAT_MS) + 1;
    const heartbeats = ({ controls }: Watcher) => controls.filter(({ type }) => type === "heartbeat").length;
    await webSocket?.until((one) => heartbeats(one) >= beats, `${beats} heartbeats`, 30_000);
    await until(() => heartbeatsIn(stream.text()) >= beats, `${beats} heartbeats`, 30_000, stream.text);
    await tellInSteps("idle", "job-idle", all);
    expect(all.flatMap(({ ends }) => ends)).toEqual([]);
    expect(all.map(({ syncs }) => syncs)).toEqual(all.map(() => 1));
    expect(stream.hasEnded).toBe(false);
    stream.close();
  });

  it("a time-out below the heartbeat would cut it, and that of the docs is above", async () => {
    const [first, second] = fleet.hubs;
    const hubs = [first.publicUrl, second.publicUrl] as const;
    const hasty = await startNginx({ hubs, readTimeout: "300ms" });
    const cut = watch("websocket", "cut", hasty.url);
    await cut.until(({ syncs }) => syncs > 0, "synced");
    await cut.until(({ ended }) => ended, "the connection is cut", 5_000);
    const seconds = Number(/proxy_read_timeout (\d+)s;/.exec(nginxExample())?.[1]);
    const { heartbeatInterval, heartbeatTimeout } = settingsFor({});
    const longestPollMs = 60_000;
    expect(seconds * 1_000).toBeGreaterThan(Math.max(heartbeatInterval + heartbeatTimeout, longestPollMs));
  });

  it("Socket.IO's long-polling stays with one hub, and its upgrade gets through", async () => {
    const before = logged(SOCKETIO_PATH).length;
    const ofThese = () => logged(SOCKETIO_PATH).slice(before);
    const polling = watch("socketio by polling alone", "sticky");
    const stock = watch("socketio", "sticky");
    await Promise.all([polling, stock].map((one) => one.until(({ syncs }) => syncs > 0, "synced", 10_000)));
    await tellInSteps("sticky", "job-sticky", [polling, stock]);
    // Before they close: a poll that is overtaken by its client's goodbye is of a session that isn't any more.
    const requests = ofThese();
    expect(requests.some(({ line }) => line.includes(`"POST ${SOCKETIO_PATH}" 200`))).toBe(true);
    expect(requests.filter(({ line }) => line.includes('" 400 '))).toEqual([]);
    expect(new Set(requests.map(({ hub }) => hub)).size).toBe(1);
    stock.close();
    // nginx logs a request at its end.
    await until(
      () => ofThese().some(({ line }) => line.includes('" 101 ')),
      "an upgrade in the log",
      10_000,
      fleet.nginx.accessLog,
    );
    expect(new Set(ofThese().map(({ hub }) => hub)).size).toBe(1);
  });

  it("other clients are at other hubs", async () => {
    const path = `${SOCKETIO_PATH}?EIO=4&transport=polling`;
    const addresses = Array.from({ length: 20 }, (_, index) => `127.0.1.${index + 1}`);
    for (const localAddress of addresses) {
      const [answer]: IncomingMessage[] = await once(
        get(`${fleet.nginx.url}${path}`, { localAddress, agent: false }),
        "response",
      );
      expect(answer?.resume().statusCode).toBe(200);
    }
    const hubsOf = (lines: readonly { readonly hub: string }[]) => new Set(lines.map(({ hub }) => hub));
    const both = new Set(fleet.hubs.map(({ publicUrl }) => new URL(publicUrl).host));
    await until(
      () => addresses.every((one) => logged(SOCKETIO_PATH).some(({ line }) => line.startsWith(`${one} `))),
      "a line of each",
      5_000,
    );
    expect(hubsOf(logged(SOCKETIO_PATH))).toEqual(both);
    // Where nothing is sticky, hubs take turns even for one client.
    const streams = [await openStream("turns"), await openStream("turns")];
    await until(
      async () => (await fleet.connections("sse")).every((count) => count > 0),
      "a stream at each hub",
      5_000,
    );
    for (const stream of streams) stream.close();
    await until(
      async () => (await fleet.connections("sse")).every((count) => count === 0),
      "who leaves nginx is gone at the hubs",
      5_000,
    );
  });

  it("a page of the same site may connect, one of another may not", async () => {
    const url = `${fleet.nginx.url.replace("http", "ws")}/ws/upload-progress?access_token=${tokenFor("origin")}`;
    const own = new WebSocket(url, { origin: fleet.nginx.url });
    await once(own, "open");
    own.terminate();
    const other = new WebSocket(url, { origin: "https://other.example.com" });
    other.on("error", () => {});
    const refusals: (number | undefined)[] = [];
    other.on("unexpected-response", (_request, response) => refusals.push(response.statusCode));
    await until(() => refusals.length > 0, "a refusal", 5_000);
    expect(refusals).toEqual([403]);
    other.terminate();
  });

  it("the hubs know the client's address, whatever the client says it is", async () => {
    const localAddress = "127.0.2.5";
    const headers = { authorization: `Bearer ${tokenFor("address")}`, "x-forwarded-for": "6.6.6.6" };
    const request = get(`${fleet.nginx.url}/api/v1/upload-progress`, { localAddress, headers, agent: false });
    request.on("error", () => {});
    const webSocket = new WebSocket(`${fleet.nginx.url.replace("http", "ws")}/ws/upload-progress`, {
      localAddress,
      headers,
    });
    const stock = socketIoClient({
      publicUrl: fleet.nginx.url,
      token: tokenFor("address"),
      record: new Oracle({ stateSurvivesCore: true }).client("socketio", "address"),
      agent: new Agent({ localAddress }),
    });
    try {
      await until(
        () => addressesOf("address").length === 3,
        "three lines in the hubs' logs",
        10_000,
        () => JSON.stringify(addressesOf("address")),
      );
      const expected = ["socketio", "sse", "websocket"].map((transport) => `${transport} ${localAddress}`);
      expect([...addressesOf("address")].sort()).toEqual(expected.sort());
    } finally {
      request.destroy();
      webSocket.terminate();
      stock.close();
    }
  });

  it("no token is in nginx's log", async () => {
    // By EventSource, whose token is in the query.
    const jobId = "job-log";
    const watcher = watchers.sse({ publicUrl: fleet.nginx.url, token: tokenFor("log"), jobId });
    await watcher.until(({ syncs }) => syncs > 0, "synced");
    watcher.close();
    await until(() => logged(`/api/v1/upload-progress/${jobId}`).length > 0, "a line of the stream", 5_000);
    expect(fleet.nginx.accessLog()).not.toMatch(/access_token|eyJ/);
  });
});
