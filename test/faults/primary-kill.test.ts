import { afterEach, expect, test } from "vitest";
import { CLEAN } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { dataFolder, freePorts, startCluster } from "./cluster.ts";
import { endScenes, startScene } from "./scene.ts";

afterEach(endScenes);

test("primary kill -9: every child ends by itself in 5 s, and a new start on the same ports serves the old state", async () => {
  const flags = ["--workers", "2", "--data-dir", dataFolder(), ...(await freePorts())];
  const { hub, oracle, population, producer } = await startScene({
    flags,
    users: 10,
    devicesPerUser: 3,
    kinds: ["socketio", "websocket", "sse"],
    rate: 50,
  });
  // Else there would be nobody to end.
  expect(
    hub
      .processes()
      .map(({ kind }) => kind)
      .sort(),
  ).toEqual(["core", "gateway", "gateway", "primary"]);
  process.kill(hub.pid, "SIGKILL");
  await until(
    () => hub.processes().length === 0,
    "all processes of the hub have ended",
    5_000,
    () => JSON.stringify(hub.processes()),
  );
  oracle.coreEnded("killed");
  const next = await startCluster(...flags);
  await population.untilAllConnected(20_000);
  await population.untilAllGotOneAfter(performance.now(), 10_000);
  await producer.finish();
  expect(await oracle.settled(5_000)).toEqual(CLEAN);
  expect(next.exit).toBe(null);
});
