import { afterEach, expect, test } from "vitest";
import { CLEAN } from "../../simulator/oracle/oracle.ts";
import { endScenes, startScene } from "./scene.ts";

afterEach(endScenes);

test("gateway kill -9 under load: only its connections drop, they resume, nothing is lost", async () => {
  // Socket.IO by WebSocket alone: a session that began on long-polling may run through two gateways.
  const { hub, oracle, population, producer } = await startScene({
    flags: ["--workers", "2"],
    users: 60,
    devicesPerUser: 5,
    kinds: ["socketio-websocket", "websocket", "sse"],
    rate: 500,
  });
  const core = hub.corePid();
  const [victim = 0, other = 0] = await hub.untilGateways(2, [], 1_000);
  const held = hub.connectionsOf(victim);
  expect(held + hub.connectionsOf(other)).toBe(300);
  expect(held / 300).toBeGreaterThan(0.4);
  expect(held / 300).toBeLessThan(0.6);

  process.kill(victim, "SIGKILL");
  await hub.untilGateways(2, [victim], 2_000);
  await population.untilAllConnected(20_000);
  await population.untilAllGotOneAfter(performance.now(), 10_000);
  await producer.finish();
  expect(await oracle.settled(5_000)).toEqual(CLEAN);
  const dropped = population.records.filter(({ disconnects }) => disconnects.length > 0);
  expect(dropped.length).toBe(held);
  expect(population.disconnects()).toBe(held);
  expect(new Set(dropped.map(({ syncMode }) => syncMode))).toEqual(new Set(["resumed"]));
  expect({ core: hub.corePid(), exit: hub.exit, retries: producer.retries }).toEqual({
    core,
    exit: null,
    retries: 0,
  });
});
