import { setTimeout as wait } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { CLEAN } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { dataFolder, freePorts, startCluster } from "./cluster.ts";
import { DEAF_MS } from "./population.ts";
import { endScenes, startScene } from "./scene.ts";
import { randomOf, shuffled } from "./seed.ts";

afterEach(endScenes);

const ROUNDS = 20;
/** How long a hub serves before it is killed, at random. */
const SERVES_MS = [300, 3_500] as const;

/** Twenty starts on a machine that does something else, and twice as long as a client may be deaf. */
const TIMEOUT_MS = 300_000;

const TITLE =
  "kill -9 of every process at random moments, again and again under traffic: all that was acknowledged stands";

test(TITLE, { timeout: TIMEOUT_MS }, async () => {
  const flags = ["--workers", "2", "--data-dir", dataFolder(), ...(await freePorts())];
  const scene = await startScene({
    flags,
    users: 20,
    devicesPerUser: 3,
    kinds: ["socketio", "websocket", "sse"],
    rate: 300,
  });
  const { oracle, population, producer } = scene;
  let { hub } = scene;
  const random = randomOf("all-kill");
  const began = performance.now();
  for (let round = 0; round < ROUNDS; round += 1) {
    const [least, most] = SERVES_MS;
    await wait(random.integer(least, most));
    // In any order, so that one outlives the other now and then.
    const processes = shuffled(hub.processes(), random);
    expect(processes.length).toBe(4);
    for (const { pid } of processes) process.kill(pid, "SIGKILL");
    oracle.coreEnded("killed");
    const { processes: left } = hub;
    await until(() => left().length === 0, "all processes are gone", 5_000);
    hub = await startCluster(...flags);
  }
  console.log(`${ROUNDS} rounds in ${Math.round((performance.now() - began) / 1_000)} s`);
  // A stock Socket.IO client may be deaf for so long.
  await population.untilAllConnected(DEAF_MS);
  await population.untilAllGotOneAfter(performance.now(), 10_000, ["websocket", "sse"]);
  await population.untilAllGotOneAfter(performance.now(), DEAF_MS);
  await producer.finish();
  expect(await oracle.settled(10_000)).toEqual(CLEAN);
  expect(producer.rejected).toEqual([]);
  expect(oracle.endingsOwed).toBeGreaterThan(500);
});
