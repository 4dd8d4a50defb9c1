import { afterEach, expect, test } from "vitest";
import { Oracle } from "../../simulator/oracle/oracle.ts";
import { startCluster } from "./cluster.ts";
import { populate } from "./population.ts";
import { endScenes } from "./scene.ts";

afterEach(endScenes);

test.each([2, 4])("2,000 connections are spread over %i gateways: max/mean <= 1.2", async (workers) => {
  const hub = await startCluster("--workers", String(workers));
  const gateways = await hub.untilGateways(workers, [], 5_000);
  await populate({
    publicUrl: hub.publicUrl,
    oracle: new Oracle({ stateSurvivesCore: true }),
    users: 400,
    devicesPerUser: 5,
    kinds: ["websocket", "sse"],
  });
  const counts = gateways.map((pid) => hub.connectionsOf(pid));
  const sum = counts.reduce((total, count) => total + count, 0);
  console.log(`connections by gateway: ${counts.join(", ")}`);
  expect(sum).toBe(2_000);
  expect(Math.max(...counts) / (sum / workers)).toBeLessThanOrEqual(1.2);
});
