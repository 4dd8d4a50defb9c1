import { afterEach, expect, it } from "vitest";
import { describeWithRedis } from "../redis/available.ts";
import { startRedis } from "../redis/server.ts";
import { startCluster, tokenFor } from "./cluster.ts";
import { expectConverged, watchAll } from "./converged.ts";
import { last, readyz, watchOutage } from "./outage.ts";
import { populate, userOf } from "./population.ts";
import { endRedisScenes, expectSurvived, startRedisScene } from "./redis-scene.ts";

afterEach(endRedisScenes);

describeWithRedis("Redis goes and comes back", () => {
  it("with its data: nobody is disconnected, and nothing is lost", async () => {
    const redis = await startRedis({ persistence: "always" });
    const scene = await startRedisScene({ redis: [redis.url] });
    const outage = watchOutage(scene.hub);
    await redis.kill();
    await outage.untilRefused(3_000);
    await outage.untilReady(false, 3_000);
    await last(2_000);
    await redis.start();
    await outage.untilReady(true, 5_000);
    await scene.untilAllGotOneAfter(performance.now(), 10_000);
    await expectSurvived("9a, restart with data:", scene, outage);
    const epochs = new Set(scene.oracle.clients.map(({ lastId }) => lastId?.split("-")[0]));
    expect(epochs.size).toBe(1);
  });

  it("without its data: another epoch, and what is told again is right everywhere", async () => {
    const redis = await startRedis();
    const scene = await startRedisScene({ redis: [redis.url], stateSurvives: false });
    const before = new Set(scene.oracle.clients.map(({ lastId }) => lastId?.split("-")[0]));
    const snapshotsBefore = new Map(scene.oracle.clients.map(({ name, snapshots }) => [name, snapshots]));
    const outage = watchOutage(scene.hub);
    await redis.kill();
    scene.oracle.coreEnded("killed");
    await outage.untilRefused(3_000);
    await outage.untilReady(false, 3_000);
    await redis.start({ empty: true });
    await outage.untilReady(true, 5_000);
    await scene.untilAllGotOneAfter(performance.now(), 10_000);
    const since = performance.now();
    await scene.untilAllGotOneAfter(since, 10_000);
    await expectSurvived("9b, restart without data:", scene, outage);
    expect(scene.oracle.endingsOwed).toBeGreaterThan(40);
    const after = scene.oracle.clients.map(({ lastId }) => lastId?.split("-")[0]);
    expect(new Set(after).size).toBe(1);
    expect(after.some((epoch) => before.has(epoch))).toBe(false);
    const told = scene.oracle.clients.filter(({ kind }) => kind !== "polling");
    expect(told.filter(({ name, snapshots }) => snapshots === snapshotsBefore.get(name))).toEqual([]);
  });

  it("with older data: what it has lost is lost for everybody, and nobody misses what comes then", async () => {
    const redis = await startRedis();
    const scene = await startRedisScene({
      redis: [redis.url, redis.url],
      stateSurvives: false,
      devicesPerUser: 2,
    });
    const users = Array.from({ length: 6 }, (_, index) => userOf(index));
    const watching = await Promise.all(
      users.map(async (user) => (await Promise.all(scene.hubs.map((hub) => watchAll(hub, user)))).flat()),
    );
    const outage = watchOutage(scene.hub);
    await redis.command("SAVE");
    await last(1_500);
    await redis.kill();
    scene.oracle.coreEnded("killed");
    await outage.untilRefused(3_000);
    await redis.start();
    await outage.untilReady(true, 5_000);
    await scene.untilAllGotOneAfter(performance.now(), 10_000);
    await last(2_000);
    await expectSurvived("9b, restart with older data:", scene, outage);
    for (const [index, user] of users.entries()) {
      for (const hub of scene.hubs) await expectConverged(hub, user, watching[index] ?? []);
    }
  });

  it("hangs for 20 s", async () => {
    const redis = await startRedis();
    const scene = await startRedisScene({ redis: [redis.url] });
    const outage = watchOutage(scene.hub);
    redis.hang();
    await outage.untilRefused(3_000);
    await outage.untilReady(false, 3_000);
    await last(20_000);
    redis.wake();
    await outage.untilReady(true, 5_000);
    await scene.untilAllGotOneAfter(performance.now(), 10_000);
    await expectSurvived("9c, hangs for 20 s:", scene, outage);
  });

  it("a client that comes while it is away is told so, not kept waiting", async () => {
    const redis = await startRedis();
    const scene = await startRedisScene({ redis: [redis.url], users: 4, rate: 50 });
    const outage = watchOutage(scene.hub);
    await redis.kill();
    await outage.untilReady(false, 3_000);
    const began = performance.now();
    const answer = await fetch(`${scene.hub.publicUrl}/api/v1/upload-progress`, {
      headers: { accept: "application/json", authorization: `Bearer ${tokenFor("late")}` },
    });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(performance.now() - began).toBeLessThan(1_500);
    const { publicUrl } = scene.hub;
    const { oracle } = scene;
    const late = populate({
      publicUrl,
      oracle,
      users: 4,
      devicesPerUser: 4,
      kinds: ["sse", "websocket", "socketio"],
    });
    await last(1_000);
    await redis.start();
    const population = await late;
    expect(population.records.filter(({ gaveUp }) => gaveUp !== null)).toEqual([]);
    await outage.untilReady(true, 5_000);
  });
});

describeWithRedis("Redis at the start", () => {
  it("away: the hub starts, is not ready, and becomes ready when Redis comes", async () => {
    const redis = await startRedis();
    await redis.kill();
    const hub = await startCluster("--workers", "1", "--redis", redis.url);
    expect(await readyz(hub.internalUrl)).toBe(503);
    expect(await readyz(hub.publicUrl)).toBe(503);
    const outage = watchOutage(hub);
    await outage.untilRefused(3_000);
    await redis.start();
    await outage.untilReady(true, 5_000);
    const { others, refused } = outage.stop();
    expect(others).toEqual([]);
    expect(refused).toBeGreaterThan(0);
  });

  it("one that throws keys away when it is full ends the start with one line and exit 1", async () => {
    const redis = await startRedis({ args: ["--maxmemory-policy", "allkeys-lru"] });
    const started = await startCluster("--workers", "1", "--redis", redis.url).catch(String);
    console.log(started);
    expect(started).toMatch(/serve ended with 1:/);
    const lines = String(started).trimEnd().split("\n").slice(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/maxmemory-policy allkeys-lru, not noeviction/);
  });
});
