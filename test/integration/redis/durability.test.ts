import { afterEach, expect, it } from "vitest";
import { draftOf } from "../../../src/domain/draft.ts";
import { createJob } from "../../../src/domain/job.ts";
import { systemClock } from "../../../src/engine/clock.ts";
import { SharedClock } from "../../../src/engine/redis/clock.ts";
import { RedisStore } from "../../../src/engine/redis/store.ts";
import { connectRedis } from "../../../src/redis/redis.ts";
import { until } from "../../faults/until.ts";
import { describeWithRedis } from "../../redis/available.ts";
import { endAllServers, type RedisServer, startRedis } from "../../redis/server.ts";

const stores: RedisStore[] = [];

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  endAllServers();
});

async function startStore(server: RedisServer, durability: "commit" | "sync"): Promise<RedisStore> {
  const redis = connectRedis(server.url);
  await redis.settled();
  const clock = new SharedClock(systemClock);
  const store = new RedisStore({
    redis,
    clock,
    retentionMs: 60_000,
    openForMs: 60_000,
    maxJobsPerUser: 1_000,
    durability,
  });
  stores.push(store);
  return store;
}

const commit = (store: RedisStore, jobId: string) =>
  store.commit({
    draft: draftOf(createJob("u", jobId, 0)),
    messages: [],
    deadlineMs: null,
    isDeadlineWhole: true,
  });

describeWithRedis("durability sync in Redis", () => {
  it("is refused without a replica that has it in time, and done with one", async () => {
    const master = await startRedis();
    const store = await startStore(master, "sync");
    await expect(commit(store, "a")).rejects.toMatchObject({
      code: "store_unavailable",
      message: "Redis has no replica that took it within 800 ms.",
    });
    // The master alone would have done.
    expect(await commit(await startStore(master, "commit"), "b")).toBe("committed");

    const replica = await startRedis({ args: ["--replicaof", "127.0.0.1", String(master.port)] });
    const isKept = (prefix: string) => () =>
      commit(store, `${prefix}${performance.now()}`).then(
        () => true,
        () => false,
      );
    await until(isKept("first"), "the replica follows", 15_000);
    expect(await Promise.all(["c", "d", "e"].map((jobId) => commit(store, jobId)))).toEqual([
      "committed",
      "committed",
      "committed",
    ]);
    replica.hang();
    await expect(commit(store, "f")).rejects.toMatchObject({ code: "store_unavailable" });
    replica.wake();
    await until(isKept("again"), "the replica is back", 10_000);
  });
});
