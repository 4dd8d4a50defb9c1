import { afterEach, expect, test } from "vitest";
import { CLEAN, Oracle } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { startCluster } from "./cluster.ts";
import { populate } from "./population.ts";
import { startProducer } from "./producer.ts";
import { endScenes } from "./scene.ts";

afterEach(endScenes);

// What every other test here rests on: where nobody does any harm, the oracle finds none, with clients of every kind.
test("a hub in one process that nobody harms is clean, and ends with 0", async () => {
  const hub = await startCluster("--workers", "0");
  const oracle = new Oracle({ stateSurvivesCore: true });
  const population = await populate({
    publicUrl: hub.publicUrl,
    oracle,
    users: 60,
    devicesPerUser: 5,
    kinds: ["socketio", "websocket", "sse", "polling", "socketio-websocket", "socketio-polling"],
  });
  const producer = startProducer({ internalUrl: hub.internalUrl, oracle, rate: 500, users: 60 });
  await until(() => producer.acknowledged >= 3_000, "3,000 events", 15_000);
  await producer.finish();
  expect(await oracle.settled(5_000)).toEqual(CLEAN);
  expect(oracle.endingsOwed).toBeGreaterThan(500);
  expect(population.disconnects()).toBe(0);
  expect(population.connected()).toBe(300);
  expect({ rejected: producer.rejected, retries: producer.retries }).toEqual({ rejected: [], retries: 0 });
  expect(hub.cpuMs()).toBeGreaterThan(0);
  population.close();
  expect(await hub.stop()).toBe(0);
  expect(hub.processes()).toEqual([]);
});
