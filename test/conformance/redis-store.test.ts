import { afterAll, beforeAll } from "vitest";
import { SharedClock } from "../../src/engine/redis/clock.ts";
import { RedisStore } from "../../src/engine/redis/store.ts";
import { connectRedis } from "../../src/redis/redis.ts";
import { ManualClock } from "../manual-clock.ts";
import { describeWithRedis } from "../redis/available.ts";
import { startRedisCluster } from "../redis/cluster.ts";
import { endAllServers, type RedisServer, startRedis } from "../redis/server.ts";
import { MAX_JOBS_PER_USER, RETENTION_MS, type StoreUnderTest, storeConformance } from "./store.ts";

const KEPT = { retentionMs: RETENTION_MS, openForMs: 900_000, maxJobsPerUser: MAX_JOBS_PER_USER };

describeWithRedis("Redis", () => {
  let url: string;
  let masters: readonly RedisServer[];

  beforeAll(async () => {
    const server = await startRedis();
    [url, masters] = [server.url, [server]];
  });
  afterAll(endAllServers);

  storeConformance("a Redis", () => start(url, masters));
});

describeWithRedis("Redis Cluster", () => {
  let url: string;
  let masters: readonly RedisServer[];

  beforeAll(async () => {
    const cluster = await startRedisCluster();
    [url, masters] = [cluster.url, cluster.nodes.slice(0, 3)];
  }, 30_000);
  afterAll(endAllServers);

  storeConformance("a cluster of three", () => start(url, masters));
});

async function start(url: string, masters: readonly RedisServer[]): Promise<StoreUnderTest> {
  for (const master of masters) await master.command("FLUSHALL");
  const clock = new ManualClock();
  const time = new SharedClock(clock);
  const redis = connectRedis(url);
  await redis.settled();
  const store = new RedisStore({ ...KEPT, redis, clock: time, durability: "commit" });
  return { store, clock, time, stop: () => store.close() };
}
