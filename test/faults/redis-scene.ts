import { setTimeout as wait } from "node:timers/promises";
import { expect, type TestContext } from "vitest";
import type { ClientKind } from "../../simulator/oracle/client-record.ts";
import { CLEAN, Oracle, type Verdict } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { endAllServers } from "../redis/server.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { closeWatchers } from "./converged.ts";
import type { Outage } from "./outage.ts";
import { type Population, populate } from "./population.ts";
import { type Producer, startProducer } from "./producer.ts";
import { endScenes, MAX_MOMENT_MS } from "./scene.ts";
import { randomOf } from "./seed.ts";
import { closeProxies } from "./tcp-proxy.ts";

/** The processes of a hub that has just begun grow by their young heaps alone: from 4 to 121 MB were seen. */
const MOST_GROWN_MB = 200;

export interface RedisSceneOptions {
  /** The setting `redis` of each hub. */
  readonly redis: readonly string[];
  readonly flags?: readonly string[];
  /** Of each hub; the users are the same. */
  readonly devicesPerUser?: number;
  readonly users?: number;
  readonly kinds?: readonly ClientKind[];
  /** Events a second, of each hub. */
  readonly rate?: number;
  /** False: what is acknowledged before `oracle.coreEnded("killed")` may be gone. */
  readonly stateSurvives?: boolean;
}

export interface RedisScene {
  readonly hubs: readonly Cluster[];
  readonly hub: Cluster;
  readonly oracle: Oracle;
  /** By hub. */
  readonly populations: readonly Population[];
  readonly producers: readonly Producer[];
  /** How many connections were lost, those of polls that were refused aside. */
  disconnects(): number;
  untilAllGotOneAfter(sinceMs: number, deadlineMs: number): Promise<void>;
  /** Ends the traffic, and gives what the oracle says in the end. */
  verdict(): Promise<Verdict>;
}

export { CLEAN };

/** Nearly the Retry-After: all batches of an outage of 20 s come back together as it is. */
const RETRY_MS = 800;

/** Hubs with `--redis` under load: everybody is connected, and each client was shown something. */
export async function startRedisScene(options: RedisSceneOptions): Promise<RedisScene> {
  const { redis, flags = [], users = 20, devicesPerUser = 4, rate = 150 } = options;
  const kinds = options.kinds ?? (["socketio", "websocket", "sse", "polling"] as const);
  const hubs = await Promise.all(
    redis.map((url) => startCluster("--workers", "1", "--redis", url, ...flags)),
  );
  const [hub] = hubs;
  if (hub === undefined) throw new Error("no hub");
  const oracle = new Oracle({ stateSurvivesCore: options.stateSurvives ?? true, epochsRetell: true });
  const populations = await Promise.all(
    hubs.map(({ publicUrl }) => populate({ publicUrl, oracle, users, devicesPerUser, kinds })),
  );
  const producers = hubs.map(({ internalUrl }) =>
    startProducer({ internalUrl, oracle, rate, users, retryMs: RETRY_MS }),
  );
  const untilAllGotOneAfter = async (sinceMs: number, deadlineMs: number) => {
    await Promise.all(populations.map((population) => population.untilAllGotOneAfter(sinceMs, deadlineMs)));
  };
  await untilAllGotOneAfter(performance.now(), 20_000);
  await until(() => oracle.endingsOwed > users, "endings are on their way", 20_000);
  await wait(randomOf("redis-scene").integer(0, MAX_MOMENT_MS));
  return {
    hubs,
    hub,
    oracle,
    populations,
    producers,
    disconnects: () => populations.reduce((sum, population) => sum + population.disconnects(), 0),
    untilAllGotOneAfter,
    async verdict() {
      await Promise.all(producers.map((producer) => producer.finish(30_000)));
      return oracle.settled(15_000);
    },
  };
}

/**
 * The contract of an outage: refused in a second and then at once, nobody disconnected, nothing lost, bounded. `isAtOnce`
 * false: each refusal may take its second, as where every event waits for a replica that is not there yet.
 */
export async function expectSurvived(
  name: string,
  scene: RedisScene,
  outage: Outage,
  isAtOnce = true,
): Promise<void> {
  const report = outage.stop();
  console.log(name, JSON.stringify(report));
  expect(await scene.verdict()).toEqual(CLEAN);
  expect(scene.disconnects()).toBe(0);
  expect(report.others).toEqual([]);
  expect(report.refused).toBeGreaterThan(0);
  expect(report.firstMs).toBeLessThan(1_500);
  if (isAtOnce) expect(report.thenP50Ms).toBeLessThan(100);
  expect(report.grownMb).toBeLessThan(MOST_GROWN_MB);
  expect(scene.hubs.map(({ exit }) => exit)).toEqual(scene.hubs.map(() => null));
}

/** For `afterEach`: nobody and nothing is left of a test, however it ended. */
export function endRedisScenes(context?: TestContext): void {
  endScenes(context);
  closeProxies();
  closeWatchers();
  endAllServers();
}
