import { afterEach, expect, it } from "vitest";
import { draftOf } from "../../../src/domain/draft.ts";
import { createJob } from "../../../src/domain/job.ts";
import { systemClock } from "../../../src/engine/clock.ts";
import { SharedClock } from "../../../src/engine/redis/clock.ts";
import { RedisStore } from "../../../src/engine/redis/store.ts";
import { connectRedis, type Redis } from "../../../src/redis/redis.ts";
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
  return storeIn(redis, durability);
}

function storeIn(redis: Redis, durability: "commit" | "sync"): RedisStore {
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

describeWithRedis("a Redis that throws keys away when it is full", () => {
  it("is not used, and what takes its place is", async () => {
    const wrong = await startRedis({ args: ["--maxmemory-policy", "allkeys-lru"] });
    const right = await startRedis();
    let present = connectRedis(wrong.url);
    // As behind sentinels, where another node may serve from one moment to the next.
    const redis: Redis = {
      get isReady() {
        return present.isReady;
      },
      run: (key, task, timeoutMs) => present.run(key, task, timeoutMs),
      dedicated: (key, events) => present.dedicated(key, events),
      nodeOf: (key) => present.nodeOf(key),
      isOneSlot: () => true,
      settled: () => present.settled(),
      close: () => present.close(),
    };
    await redis.settled();
    const store = storeIn(redis, "commit");
    const greet = () => redis.run("", (client) => store.greet(client, redis.nodeOf("") ?? ""));
    const refusal =
      /^Redis would throw keys away when it is full \(maxmemory-policy allkeys-lru, not noeviction\)/;
    await expect(greet()).rejects.toThrow(refusal);
    expect(store.health()).toEqual({ ready: false, reason: expect.stringMatching(refusal) });
    await expect(commit(store, "a")).rejects.toThrow(refusal);
    present.close();
    present = connectRedis(right.url);
    await redis.settled();
    await greet();
    expect(store.health()).toEqual({ ready: true, reason: null });
    expect(await commit(store, "a")).toBe("committed");
  });
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
