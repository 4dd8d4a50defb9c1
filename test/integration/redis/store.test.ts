import { afterEach, expect, it } from "vitest";
import { until } from "../../../simulator/oracle/until.ts";
import { draftOf } from "../../../src/domain/draft.ts";
import { createJob } from "../../../src/domain/job.ts";
import { systemClock } from "../../../src/engine/clock.ts";
import { SharedClock } from "../../../src/engine/redis/clock.ts";
import { RedisStore } from "../../../src/engine/redis/store.ts";
import { connectRedis } from "../../../src/redis/redis.ts";
import { event } from "../../events.ts";
import { describeWithRedis } from "../../redis/available.ts";
import { endAllServers, type RedisServer, startRedis } from "../../redis/server.ts";
import { committed, turnOf } from "../../store-harness.ts";

const stores: RedisStore[] = [];

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  endAllServers();
});

async function startStore(
  server: RedisServer,
  durability: "commit" | "sync",
  database = "",
  maxCachedPhotos?: number,
): Promise<RedisStore> {
  const redis = connectRedis(server.url + database);
  await redis.settled();
  const clock = new SharedClock(systemClock);
  const store = new RedisStore({
    redis,
    clock,
    retentionMs: 60_000,
    openForMs: 60_000,
    maxJobsPerUser: 1_000,
    durability,
    ...(maxCachedPhotos !== undefined && { maxCachedPhotos }),
  });
  stores.push(store);
  return store;
}

const commit = (store: RedisStore, jobId: string) =>
  committed(store, {
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

describeWithRedis("two hubs in one Redis", () => {
  it("know nothing of each other where they name another database, though channels have none", async () => {
    const server = await startRedis();
    const [one, other] = [await startStore(server, "commit"), await startStore(server, "commit", "/1")];
    const heard: string[] = [];
    for (const [name, store] of [
      ["one", one],
      ["other", other],
    ] as const) {
      store.listen({
        shown: () => void heard.push(name),
        gap: () => void heard.push(`${name} missed something`),
        due: () => undefined,
      });
      store.watch("u");
      await store.since(ALL);
    }
    for (const [store, jobId] of [
      [one, "a"],
      [other, "b"],
    ] as const) {
      await tell(store, jobId, 1);
      await expect.poll(() => store.publications).toBe(1);
    }
    expect(heard).toEqual(["one", "other"]);
    expect((await other.jobs("u")).jobs.map(({ jobId }) => jobId)).toEqual(["b"]);
  });

  it("read a user who has more than is kept in memory, and more than is given at once", async () => {
    const server = await startRedis();
    const one = await startStore(server, "commit");
    for (const jobId of ["a", "b", "c"]) await tell(one, jobId, 1_500);
    const other = await startStore(server, "commit", "", 1_000);
    const read = await other.since({ ...ALL, limit: 10_000 });
    expect(read.entries).toHaveLength(3 * (2 * 1_500 + 1));
    expect(read.isAll).toBe(true);
    expect(other.stats.jobs).toBe(0);
  });
});

const ALL = { userId: "u", jobId: null, afterSeq: 0, limit: 100, past: null };

/** So many photos of a job, each told of once. */
async function tell(store: RedisStore, jobId: string, photos: number): Promise<void> {
  const nowMs = Date.now();
  const draft = draftOf(createJob("u", jobId, nowMs));
  const events = Array.from({ length: photos }, (_, index) =>
    event.progressed(100, { jobId, photoId: `p${index}` }),
  );
  const turn = turnOf(draft, events, { monotonicMs: nowMs, unixMs: nowMs });
  const { messages, nextAtMs } = turn;
  const change = { draft, messages, deadlineMs: nextAtMs, isDeadlineWhole: true };
  expect(await committed(store, change)).toBe("committed");
}
