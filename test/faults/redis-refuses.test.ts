import { afterEach, expect, it } from "vitest";
import { freePort } from "../../bench/target/free-port.ts";
import { describeWithRedis } from "../redis/available.ts";
import { type RedisServer, startRedis } from "../redis/server.ts";
import { last, watchOutage } from "./outage.ts";
import { endRedisScenes, expectSurvived, startRedisScene } from "./redis-scene.ts";

afterEach(endRedisScenes);

interface Refusal {
  readonly name: string;
  readonly begin: (redis: RedisServer) => Promise<unknown>;
  readonly end: (redis: RedisServer) => Promise<unknown>;
}

const REFUSALS: readonly Refusal[] = [
  {
    name: "is full (OOM)",
    begin: (redis) => redis.command("CONFIG", "SET", "maxmemory", "1mb"),
    end: (redis) => redis.command("CONFIG", "SET", "maxmemory", "0"),
  },
  {
    name: "is a replica now (READONLY)",
    begin: async (redis) => redis.command("REPLICAOF", "127.0.0.1", String(await freePort())),
    end: (redis) => redis.command("REPLICAOF", "NO", "ONE"),
  },
  {
    name: "misses replicas (NOREPLICAS)",
    begin: (redis) => redis.command("CONFIG", "SET", "min-replicas-to-write", "1"),
    end: (redis) => redis.command("CONFIG", "SET", "min-replicas-to-write", "0"),
  },
];

describeWithRedis("Redis takes no writes", () => {
  it.each(REFUSALS)(
    "it $name: refused at once, not ready, and nobody is disconnected",
    async ({ name, begin, end }) => {
      const redis = await startRedis();
      const scene = await startRedisScene({ redis: [redis.url] });
      const outage = watchOutage(scene.hub);
      await begin(redis);
      await outage.untilRefused(3_000);
      await outage.untilReady(false, 3_000);
      const before = outage.yeses;
      await last(3_000);
      const flickers = outage.yeses - before;
      await end(redis);
      await outage.untilReady(true, 5_000);
      await scene.untilAllGotOneAfter(performance.now(), 10_000);
      expect(flickers).toBe(0);
      await expectSurvived(`9f, 9g, ${name}:`, scene, outage);
      expect(scene.hub.stderr.trim().split("\n").length).toBeLessThan(4);
    },
  );
});
