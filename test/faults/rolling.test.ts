import { afterEach, expect, test } from "vitest";
import { CLEAN } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { dataFolder, freePorts, startCluster } from "./cluster.ts";
import { endScenes, startScene } from "./scene.ts";

afterEach(endScenes);

const DRAIN_MS = 15_000;
const THOUSAND = {
  users: 200,
  devicesPerUser: 5,
  kinds: ["socketio", "sse", "socketio", "sse", "websocket"],
  rate: 400,
} as const;

test("SIGHUP under 1,000 connections: all gateways are replaced, everybody comes back, nothing is lost", async () => {
  const { hub, oracle, population, producer } = await startScene({
    ...THOUSAND,
    flags: ["--workers", "2", "--drain-timeout", `${DRAIN_MS}ms`],
  });
  const [core, old] = [hub.corePid(), hub.gatewayPids()];
  process.kill(hub.pid, "SIGHUP");
  await hub.untilGateways(2, old, 2 * DRAIN_MS + 15_000);
  await population.untilAllConnected(20_000);
  await population.untilAllGotOneAfter(performance.now(), 10_000);
  await producer.finish();
  expect(await oracle.settled(5_000)).toEqual(CLEAN);
  expect(population.records.filter(({ gaveUp }) => gaveUp !== null)).toEqual([]);
  const moved = population.records.filter(({ disconnects }) => disconnects.length > 0);
  expect(moved.length).toBe(1_000);
  const unwarned = moved
    .filter(({ kind }) => kind !== "socketio")
    .filter(({ disconnects }) => disconnects.some(({ warned }) => !warned));
  expect(unwarned.map(({ name, disconnects }) => ({ name, disconnects }))).toEqual([]);
  expect({ core: hub.corePid(), exit: hub.exit, retries: producer.retries }).toEqual({
    core,
    exit: null,
    retries: 0,
  });
});

test("SIGTERM under 1,000 connections: not ready first, exit 0 in time, and all come back to a new hub", async () => {
  const flags = [
    "--workers",
    "2",
    "--data-dir",
    dataFolder(),
    "--drain-timeout",
    `${DRAIN_MS}ms`,
    ...(await freePorts()),
  ];
  const { hub, oracle, population, producer } = await startScene({ ...THOUSAND, flags });
  const termAtMs = performance.now();
  process.kill(hub.pid, "SIGTERM");
  const notReady = await until(() => notReadyOf(hub.internalUrl), "/readyz says no", 3_000);
  const goneThen = population.disconnects();
  // A balancer's probe comes on a connection of its own, which the drain must not leave hanging.
  const outside = await until(() => notReadyOf(hub.publicUrl), "the public /readyz says no", 2_000);
  expect(outside).toMatchObject({ status: 503, code: "draining" });
  expect(notReady).toMatchObject({ status: 503, code: "draining" });
  expect(goneThen).toBeLessThan(100);
  expect(await hub.ended(DRAIN_MS)).toBe(0);
  expect(performance.now() - termAtMs).toBeLessThan(DRAIN_MS);
  oracle.coreEnded("drained");
  expect(hub.processes()).toEqual([]);

  const next = await startCluster(...flags);
  await population.untilAllConnected(40_000);
  await population.untilAllGotOneAfter(performance.now(), 10_000);
  await producer.finish();
  expect(await oracle.settled(5_000)).toEqual(CLEAN);
  expect(population.records.filter(({ gaveUp }) => gaveUp !== null)).toEqual([]);
  expect(producer.rejected).toEqual([]);
  expect(next.exit).toBe(null);
});

/** The problem that `/readyz` answers, or null while it says yes, or nothing. */
async function notReadyOf(url: string): Promise<unknown> {
  const response = await fetch(`${url}/readyz`, { headers: { connection: "close" } }).catch(() => null);
  if (response === null) return null;
  const text = await response.text();
  return response.status === 200 ? null : { ...JSON.parse(text), status: response.status };
}
