import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type Watcher, watchers } from "../clients.ts";
import { event } from "../events.ts";
import { type Cluster, INGEST_TOKEN, killAll, startCluster, tokenFor } from "../faults/cluster.ts";
import { toCloudEvent } from "../hub.ts";
import { eventually } from "../integration/gateway-harness.ts";

const open: Watcher[] = [];
afterEach(() => {
  for (const watcher of open.splice(0)) watcher.close();
  killAll();
});

const OPAQUE = "b3BhcXVlLXNlY3JldC1vZi1zb21lYm9keQ";

/** Everything that knows a secret says it, rightly and wrongly, in every way there is. */
async function sayAllSecrets(hub: Cluster, token: string): Promise<void> {
  const { publicUrl, internalUrl } = hub;
  const hook = JSON.stringify({
    Type: "post-create",
    Event: {
      Upload: { ID: "a", Size: 1 },
      HTTPRequest: { Header: { Authorization: [`Bearer ${token}`], Cookie: [OPAQUE] } },
    },
  });
  for (const secret of [INGEST_TOKEN, OPAQUE, token]) {
    const body = [hook, hook.slice(1), JSON.stringify(toCloudEvent(event.started()))];
    for (const text of body) {
      await fetch(`${internalUrl}/api/v1/hooks/tusd?access_token=${secret}`, { method: "POST", body: text });
      await fetch(`${internalUrl}/api/v1/events?access_token=${secret}`, {
        method: "POST",
        headers: { authorization: `Bearer ${secret}`, "content-type": "application/cloudevents+json" },
        body: text,
      });
    }
    for (const path of ["upload-progress", "upload-progress/j?x=1&", "nope"]) {
      const query = `${path.includes("?") ? "" : "?"}access_token=${secret}`;
      const headers = { accept: "application/json", cookie: `session=${OPAQUE}` };
      await (await fetch(`${publicUrl}/api/v1/${path}${query}`, { headers })).arrayBuffer();
    }
    await upgrade(`${publicUrl.replace("http", "ws")}/ws/upload-progress`, secret);
  }
  for (const kind of ["socketio", "websocket", "sse"] as const) {
    open.push(watchers[kind]({ publicUrl, token }), watchers[kind]({ publicUrl, token: OPAQUE }));
  }
  await eventually(
    () => open.filter(({ syncs }) => syncs === 1).length === 3,
    "those with a token are synced",
  );
  // Bytes that are no HTTP request, with a secret in them.
  await new Promise<void>((resolve) => {
    const port = Number(new URL(publicUrl).port);
    const socket = connect(port, "127.0.0.1", () =>
      socket.end(`GET /?access_token=${OPAQUE}\0 HTTP/9\r\n\r\n`),
    );
    socket.resume().on("error", () => {});
    socket.once("close", () => resolve());
  });
}

/** By the subprotocol, which browsers must use; then a frame with the token in it. */
function upgrade(url: string, secret: string): Promise<void> {
  return new Promise((resolve) => {
    const client = new WebSocket(url, ["progress-hub.v1", `bearer.${secret}`]);
    client.on("error", () => resolve());
    client.once("message", () => {
      client.send(JSON.stringify({ type: "refresh", token: OPAQUE }));
      client.once("message", () => client.close());
    });
    client.on("close", () => resolve());
  });
}

test.each(["0", "2"])(
  "--workers %s --log-level trace: every line says its process, and none a secret",
  async (workers) => {
    const hub = await startCluster("--workers", workers, "--log-level", "trace");
    const token = tokenFor("u");
    await sayAllSecrets(hub, token);
    for (const watcher of open.splice(0)) watcher.close();
    expect(await hub.stop()).toBe(0);
    const lines = hub.stderr.trim().split("\n");
    const [, payload = "", signature = ""] = token.split(".");
    const secrets = [
      token,
      payload,
      signature,
      INGEST_TOKEN,
      OPAQUE,
      "faults-secret-that-is-long-enough-for-hs256",
    ];
    for (const secret of secrets) expect(lines.filter((line) => line.includes(secret))).toEqual([]);
    const said = lines.map((line): Record<string, unknown> => JSON.parse(line));
    const processes = workers === "0" ? ["hub"] : ["core", "gateway-1", "gateway-2", "primary"];
    expect([...new Set(said.map(({ process }) => process))].sort()).toEqual(processes);
    // It did log what it could have leaked from.
    const messages = new Set(said.map(({ msg }) => msg));
    for (const msg of ["connection opened", "connection refused", "connection closed", "request"])
      expect(messages).toContain(msg);
  },
);
