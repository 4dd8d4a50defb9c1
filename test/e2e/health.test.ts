import { afterEach, expect, test } from "vitest";
import { type Cluster, killAll, startCluster } from "../faults/cluster.ts";
import { eventually } from "../integration/gateway-harness.ts";

afterEach(killAll);

async function statusOf(url: string): Promise<number | null> {
  const response = await fetch(url).catch(() => null);
  await response?.arrayBuffer();
  return response?.status ?? null;
}

const urlsOf = ({ publicUrl, internalUrl }: Cluster) => [`${publicUrl}/readyz`, `${internalUrl}/readyz`];

test.each(["0", "2"])("--workers %s is ready, on both listeners, as soon as it says so", async (workers) => {
  const hub = await startCluster("--workers", workers);
  // Each gateway, by a connection of its own.
  const statuses = await Promise.all([...urlsOf(hub), ...urlsOf(hub), ...urlsOf(hub)].map(statusOf));
  expect(statuses).toEqual(statuses.map(() => 200));
});

test("without its only gateway the hub is not ready at once, alive all the while, and ready again", async () => {
  const hub = await startCluster("--workers", "1");
  const [gateway] = hub.gatewayPids();
  if (gateway === undefined) throw new Error("no gateway");
  const ready = `${hub.internalUrl}/readyz`;
  process.kill(gateway, "SIGKILL");
  await eventually(async () => (await statusOf(ready)) === 503, "not ready");
  expect(await statusOf(`${hub.internalUrl}/healthz`)).toBe(200);
  await eventually(async () => (await statusOf(ready)) === 200, "ready again", 15_000);
});

test("without its core a gateway is not ready, and alive all the while", async () => {
  const hub = await startCluster("--workers", "1");
  const core = hub.corePid();
  if (core === null) throw new Error("no core");
  process.kill(core, "SIGKILL");
  await eventually(async () => (await statusOf(`${hub.publicUrl}/readyz`)) === 503, "not ready");
  expect(await statusOf(`${hub.publicUrl}/healthz`)).toBe(200);
  await eventually(async () => (await statusOf(`${hub.publicUrl}/readyz`)) === 200, "ready again", 15_000);
});
