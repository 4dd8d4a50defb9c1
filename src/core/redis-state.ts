import type { Logger } from "pino";
import type { Settings } from "../config/schema.ts";
import { systemClock } from "../engine/clock.ts";
import { followTime, SharedClock, takeTime } from "../engine/redis/clock.ts";
import { RedisStore } from "../engine/redis/store.ts";
import { refusalOf } from "../engine/redis/suitable.ts";
import type { HubError } from "../errors.ts";
import { messageOf } from "../message-of.ts";
import { connectRedis } from "../redis/redis.ts";
import { StartError } from "../start-error.ts";
import type { StateOfHub } from "./state.ts";

const TELL_EVERY_MS = 10_000;

/**
 * State in Redis. One that is away is waited for, not ready meanwhile; one that can't be used ends the start with a
 * StartError.
 */
export async function openRedisState(url: string, settings: Settings, log: Logger): Promise<StateOfHub> {
  const clock = new SharedClock(systemClock);
  const refusals: HubError[] = [];
  const redis = connectRedis(url, {
    async check(client) {
      const refusal = refusalOf(await client.info());
      if (refusal !== null) {
        if (!isStarted) refusals.push(refusal);
        throw refusal;
      }
      await takeTime(client, clock);
    },
    ready: (_client, { host, port }) => log.info({ redis: `${host}:${port}` }, "connected to Redis"),
    lost(error) {
      // At the start it is told by what ends the start.
      if (!refusals.includes(error))
        log.error({ cause: error.message }, "Redis is away: events are refused until it is back");
    },
  });
  let isStarted = false;
  const unfollow = followTime(redis, clock);
  let toldAtMs = Number.NEGATIVE_INFINITY;
  const store = new RedisStore({
    redis,
    clock,
    retentionMs: settings.jobRetention,
    openForMs: settings.expireAfter + Math.max(settings.retryGrace, settings.jobIdle),
    maxJobsPerUser: settings.maxJobsPerUser,
    durability: settings.durability === "sync" ? "sync" : "commit",
    onTrouble(error) {
      if (error === null) return log.info("Redis takes writes again");
      log.error({ cause: error.message }, "Redis takes no writes: events are refused until it does");
    },
    onError(error) {
      if (performance.now() - toldAtMs < TELL_EVERY_MS) return;
      toldAtMs = performance.now();
      log.error({ cause: messageOf(error) }, "Redis answers what it should not");
    },
    onClose: unfollow,
  });
  // Connections to Redis keep no process alive, and there may be nothing else yet.
  const alive = setInterval(() => undefined, 60_000);
  await redis.settled();
  clearInterval(alive);
  const [refusal] = refusals;
  if (refusal !== undefined) {
    await store.close();
    throw new StartError(`Can't keep state in Redis: ${refusal.message}`);
  }
  isStarted = true;
  return { store, clock, restore: async () => undefined, publications: () => store.publications };
}
