import { setTimeout as wait } from "node:timers/promises";
import { CoreEngine } from "../../src/engine/core-engine.ts";
import { SharedClock } from "../../src/engine/redis/clock.ts";
import { RedisStore } from "../../src/engine/redis/store.ts";
import { connectRedis, type Redis } from "../../src/redis/redis.ts";
import { MINUTE_MS, RULES } from "../engine-harness.ts";
import { ManualClock } from "../manual-clock.ts";
import { settle } from "../settle.ts";

const QUIET_FOR_MS = 6;

/** An engine whose state is in a real Redis, and whose time moves when told. */
export interface RedisEngine {
  readonly engine: CoreEngine;
  readonly store: RedisStore;
  readonly clock: ManualClock;
  /** Resolves when nothing is on its way any more. */
  settle(): Promise<void>;
  pass(ms: number): Promise<void>;
}

/** `clock`: engines that share a Redis share their time. `recentMs`: how long after their end snapshots show jobs. */
export async function startRedisEngine(
  url: string,
  clock = new ManualClock(),
  recentMs = 10 * MINUTE_MS,
): Promise<RedisEngine> {
  const time = new SharedClock(clock);
  const redis = counted(connectRedis(url));
  await redis.settled();
  const store = new RedisStore({
    redis,
    clock: time,
    retentionMs: 24 * 60 * MINUTE_MS,
    openForMs: 15 * MINUTE_MS,
    maxJobsPerUser: 1_000,
    durability: "commit",
    claimEveryMs: 10,
  });
  const engine = new CoreEngine({
    clock: time,
    store,
    rules: RULES,
    limits: { maxPhotosPerJob: 10_000, maxJobsPerUser: 1_000, maxOpenPhotos: 1_000_000 },
    photoIntervalMs: 50,
    jobIntervalMs: 80,
    recentMs,
  });
  const settled = async (): Promise<void> => {
    let before = -1;
    let quietSinceMs = performance.now();
    while (performance.now() - quietSinceMs < QUIET_FOR_MS) {
      await settle();
      await wait(1);
      const now = redis.begun() + store.publications;
      if (redis.underWay() > 0 || now !== before) quietSinceMs = performance.now();
      before = now;
    }
  };
  return {
    engine,
    store,
    clock,
    settle: settled,
    async pass(ms) {
      await clock.advance(ms, settled);
      await settled();
    },
  };
}

/** Counts what is under way, on connections of their own too. */
function counted(redis: Redis): Redis & { begun(): number; underWay(): number } {
  let [begun, ended] = [0, 0];
  const count = async <T>(doing: () => Promise<T>): Promise<T> => {
    begun += 1;
    try {
      return await doing();
    } finally {
      ended += 1;
    }
  };
  return {
    get isReady() {
      return redis.isReady;
    },
    run: (key, task, timeoutMs) => count(() => redis.run(key, task, timeoutMs)),
    dedicated(key, events) {
      const link = redis.dedicated(key, events);
      const run = link.run.bind(link);
      link.run = (task, timeoutMs) => count(() => run(task, timeoutMs));
      void count(() => link.settled());
      return link;
    },
    database: redis.database,
    nodeOf: (key) => redis.nodeOf(key),
    isOneSlot: (keys) => redis.isOneSlot(keys),
    settled: () => redis.settled(),
    close: () => redis.close(),
    begun: () => begun,
    underWay: () => begun - ended,
  };
}
