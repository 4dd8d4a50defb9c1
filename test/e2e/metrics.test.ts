import { afterEach, expect, test } from "vitest";
import { type Watcher, watchers } from "../clients.ts";
import { event } from "../events.ts";
import { type Cluster, INGEST_TOKEN, killAll, startCluster, tokenFor } from "../faults/cluster.ts";
import { toCloudEvent } from "../hub.ts";
import { eventually } from "../integration/gateway-harness.ts";
import { scrape } from "../metrics.ts";

const open: Watcher[] = [];
afterEach(() => {
  for (const watcher of open.splice(0)) watcher.close();
  killAll();
});

async function watch(hub: Cluster): Promise<Watcher> {
  const watcher = watchers.websocket({ publicUrl: hub.publicUrl, token: tokenFor("u") });
  open.push(watcher);
  await watcher.until(({ syncs }) => syncs === 1, "synced");
  return watcher;
}

async function post(hub: Cluster): Promise<void> {
  const response = await fetch(`${hub.internalUrl}/api/v1/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${INGEST_TOKEN}`,
      "content-type": "application/cloudevents-batch+json",
    },
    body: JSON.stringify([toCloudEvent(event.started())]),
  });
  expect(response.status).toBe(200);
}

const upOf = (series: ReadonlyMap<string, number>, process: string) =>
  series.get(`process_up{process="${process}"}`);

test("two gateways, the core and the primary in one text; a stopped gateway is down, and nobody waits for it", async () => {
  const hub = await startCluster("--workers", "2");
  // One after the other: the primary gives each connection to the gateway with the fewest.
  for (let count = 0; count < 4; count += 1) await watch(hub);
  await post(hub);
  await eventually(() => open.every(({ messages }) => messages.length === 2), "photo and job, for all");
  const series = await scrape(hub.internalUrl);
  const processes = ["primary", "core", "gateway-1", "gateway-2"];
  for (const process of processes) {
    expect(upOf(series, process)).toBe(1);
    expect(series.get(`process_cpu_seconds_total{process="${process}"}`)).toBeGreaterThan(0);
    expect(series.get(`process_loop_delay_seconds{process="${process}",quantile="0.99"}`)).toBeDefined();
  }
  expect(series.get('connections{transport="websocket"}')).toBe(4);
  expect(series.get('handshakes_total{transport="websocket",result="ok"}')).toBe(4);
  expect(series.get('messages_written_total{transport="websocket"}')).toBe(8);
  expect(series.get('event_age_seconds_count{stage="written"}')).toBe(8);
  expect(series.get('events_total{source="cloudevents",type="photo.upload.started",result="accepted"}')).toBe(
    1,
  );
  expect(series.get("gateways_linked")).toBe(2);
  expect(series.get("gateways_wanted")).toBe(2);
  // Both have the user, so both were sent the two messages.
  for (const gateway of ["gateway-1", "gateway-2"])
    expect(series.get(`link_messages_total{gateway="${gateway}"}`)).toBe(2);

  await eventually(
    async () => ((await scrape(hub.internalUrl)).get('handovers_total{listener="public"}') ?? 0) >= 4,
    "what the primary tells each second",
  );

  const [stopped] = hub.gatewayPids();
  if (stopped === undefined) throw new Error("no gateway");
  process.kill(stopped, "SIGSTOP");
  const beganMs = performance.now();
  const without = await scrape(hub.internalUrl);
  expect(performance.now() - beganMs).toBeLessThan(2_000);
  const ups = processes.map((name) => upOf(without, name));
  expect(ups.slice(0, 2)).toEqual([1, 1]);
  expect(ups.slice(2).toSorted()).toEqual([0, 1]);
  const down = ups.indexOf(0);
  expect(without.get(`process_cpu_seconds_total{process="${processes[down]}"}`)).toBeUndefined();
  expect(without.get('connections{transport="websocket"}')).toBe(2);
  process.kill(stopped, "SIGKILL");
  await eventually(
    async () => (await scrape(hub.internalUrl)).get('restarts_total{kind="gateway"}') === 1,
    "the restart is told",
  );
});

test("the same names from the one process of --workers 0", async () => {
  const hub = await startCluster("--workers", "0");
  const several = await (await fetch(`${hub.internalUrl}/metrics`)).text();
  await watch(hub);
  const series = await scrape(hub.internalUrl);
  expect(upOf(series, "hub")).toBe(1);
  expect(series.get('connections{transport="websocket"}')).toBe(1);
  for (const name of ["link_messages_total", "gateways_linked", "restarts_total"])
    expect(several).toContain(`# TYPE progress_hub_${name} `);
});
