import type { Logger } from "pino";
import type { Settings } from "../config/schema.ts";
import { systemClock } from "../engine/clock.ts";
import { SharedClock, TimeKeeper } from "../engine/redis/clock.ts";
import { RedisStore } from "../engine/redis/store.ts";
import { messageOf } from "../message-of.ts";
import type { RedisClient } from "../redis/client.ts";
import { connectRedis } from "../redis/redis.ts";
import { StartError } from "../start-error.ts";
import type { StateOfHub } from "./state.ts";

/**
 * State in Redis. One that is away is waited for, not ready meanwhile; one that can't be used ends the start with a
 * StartError.
 */
export async function openRedisState(url: string, settings: Settings, log: Logger): Promise<StateOfHub> {
  const clock = new SharedClock(systemClock);
  let greetings: Promise<void> = Promise.resolve();
  let isStarted = false;
  const redis = connectRedis(url, {
    ready(client, { host, port }) {
      const greeting = greet(client, `${host}:${port}`);
      greetings = Promise.all([greetings, greeting]).then(() => undefined);
      greetings.catch(() => undefined);
    },
    lost: (error) =>
      log.error({ cause: error.message }, "Redis is away: events are refused until it is back"),
  });
  const time = new TimeKeeper(redis, clock);
  const store = new RedisStore({
    redis,
    clock,
    retentionMs: settings.jobRetention,
    openForMs: settings.expireAfter,
    maxJobsPerUser: settings.maxJobsPerUser,
    durability: settings.durability === "sync" ? "sync" : "commit",
    onClose: () => time.close(),
    onTrouble(error) {
      if (error === null) return log.info("Redis takes writes again");
      log.error({ cause: error.message }, "Redis takes no writes: events are refused until it does");
    },
  });
  const greet = async (client: RedisClient, address: string): Promise<void> => {
    try {
      await store.greet(client, address);
      await time.ask();
      log.info({ redis: address }, "connected to Redis");
    } catch (error) {
      // At the start it is told once, by what ends the start.
      if (isStarted) log.error({ redis: address, cause: messageOf(error) }, "this Redis is not used");
      throw error;
    }
  };
  // Connections to Redis keep no process alive, and there may be nothing else yet.
  const alive = setInterval(() => undefined, 60_000);
  try {
    await redis.settled();
    await greetings;
  } catch (error) {
    await store.close();
    throw new StartError(`Can't keep state in Redis: ${messageOf(error)}`);
  } finally {
    clearInterval(alive);
  }
  isStarted = true;
  return { store, clock, restore: async () => undefined, publications: () => store.publications };
}
