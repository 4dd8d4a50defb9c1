import { afterEach, expect, test } from "vitest";
import { type Watcher, watchers } from "../clients.ts";
import { startCluster, tokenFor } from "./cluster.ts";
import { endScenes } from "./scene.ts";

const open: Watcher[] = [];
afterEach(() => {
  for (const watcher of open.splice(0)) watcher.close();
  endScenes();
});

test("a reader of the log that is gone ends no process: core kill -9 still disconnects nobody", async () => {
  const hub = await startCluster("--workers", "2", "--log-level", "debug");
  const gateways = hub.gatewayPids();
  for (const kind of ["websocket", "sse", "socketio"] as const) {
    const watcher = watchers[kind]({ publicUrl: hub.publicUrl, token: tokenFor("u") });
    open.push(watcher);
    await watcher.until(({ syncs }) => syncs === 1, "synced");
  }
  hub.closeStderr();
  const core = hub.corePid();
  process.kill(core ?? 0, "SIGKILL");
  await hub.untilCorePid(core, 5_000);
  for (const watcher of open) await watcher.until(({ syncs }) => syncs > 1, "read again", 10_000);
  expect(open.flatMap(({ ends }) => ends)).toEqual([]);
  expect(hub.gatewayPids()).toEqual(gateways);
  expect(await hub.stop()).toBe(0);
});
