import { setTimeout as wait } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { CLEAN, Oracle } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { describeWithRedis } from "../redis/available.ts";
import { startRedis } from "../redis/server.ts";
import { type Cluster, freePorts, startCluster } from "./cluster.ts";
import { expectConverged, watchAll } from "./converged.ts";
import { populate, userOf } from "./population.ts";
import { startProducer } from "./producer.ts";
import { endRedisScenes } from "./redis-scene.ts";
import { randomOf, shuffled } from "./seed.ts";
import { startProxy } from "./tcp-proxy.ts";

afterEach(endRedisScenes);

const ROUNDS = 20;
const USERS = 16;
const KINDS = ["socketio-websocket", "websocket", "sse", "polling"] as const;
/** How long both hubs serve before one is killed, at random. */
const SERVES_MS = [100, 1_500] as const;

const portOf = (url: string) => Number(new URL(url).port);

describeWithRedis("kill -9 of every process of one hub of two", () => {
  it("20 times in a minute of traffic to both: what was acknowledged stands, and is shown once", {
    timeout: 240_000,
  }, async () => {
    const redis = await startRedis();
    const flags = await Promise.all(
      [0, 1].map(async () => ["--workers", "1", "--redis", redis.url, ...(await freePorts())]),
    );
    const hubs: Cluster[] = await Promise.all(flags.map((some) => startCluster(...some)));
    // As a balancer does: who loses a hub comes back to the other.
    const balancer = await startProxy(...hubs.map(({ publicUrl }) => portOf(publicUrl)));
    const oracle = new Oracle({ stateSurvivesCore: true, epochsRetell: true });
    const places = [...hubs.map(({ publicUrl }) => publicUrl), `http://127.0.0.1:${balancer.port}`];
    const populations = await Promise.all(
      places.map((publicUrl) =>
        populate({ publicUrl, oracle, users: USERS, devicesPerUser: 1, kinds: KINDS }),
      ),
    );
    const producers = hubs.map(({ internalUrl }) =>
      startProducer({ internalUrl, oracle, rate: 120, users: USERS }),
    );
    const random = randomOf("redis-all-kill");
    const began = performance.now();
    for (let round = 0; round < ROUNDS; round += 1) {
      const [least, most] = SERVES_MS;
      await wait(random.integer(least, most));
      const index = random.integer(0, 1);
      const hub = hubs[index];
      if (hub === undefined) throw new Error("no hub");
      const processes = shuffled(hub.processes(), random);
      expect(processes.length).toBe(3);
      for (const { pid } of processes) process.kill(pid, "SIGKILL");
      oracle.coreEnded("killed");
      await until(() => hub.processes().length === 0, "all processes are gone", 5_000);
      hubs[index] = await startCluster(...(flags[index] ?? []));
    }
    console.log(`${ROUNDS} rounds in ${Math.round((performance.now() - began) / 1_000)} s`);
    for (const population of populations) {
      await population.untilAllConnected(20_000);
      await population.untilAllGotOneAfter(performance.now(), 10_000);
    }
    const users = Array.from({ length: 4 }, (_, index) => userOf(index));
    const watching = await Promise.all(
      users.map(async (user) => (await Promise.all(hubs.map((hub) => watchAll(hub, user)))).flat()),
    );
    for (const producer of producers) await producer.finish(30_000);
    expect(await oracle.settled(10_000)).toEqual(CLEAN);
    expect(producers.flatMap(({ rejected }) => rejected)).toEqual([]);
    expect(oracle.endingsOwed).toBeGreaterThan(500);
    for (const [index, user] of users.entries()) {
      for (const hub of hubs) await expectConverged(hub, user, watching[index] ?? []);
    }
  });
});
