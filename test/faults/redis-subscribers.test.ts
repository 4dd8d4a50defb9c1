import { afterEach, expect, it } from "vitest";
import type { SentEvent } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { describeWithRedis } from "../redis/available.ts";
import { startRedis } from "../redis/server.ts";
import { expectConverged, watchAll } from "./converged.ts";
import { last, watchOutage } from "./outage.ts";
import { userOf } from "./population.ts";
import { post } from "./producer.ts";
import { CLEAN, endRedisScenes, expectSurvived, startRedisScene } from "./redis-scene.ts";
import { startProxy } from "./tcp-proxy.ts";

afterEach(endRedisScenes);

const KILLS = 10;

describeWithRedis("the subscribers' connection", () => {
  it("is killed again and again: nobody is disconnected, and nothing is missed", async () => {
    const redis = await startRedis();
    const scene = await startRedisScene({ redis: [redis.url, redis.url], devicesPerUser: 4, rate: 100 });
    for (let kill = 0; kill < KILLS; kill += 1) {
      await until(
        async () => Number(await redis.command("CLIENT", "KILL", "TYPE", "PUBSUB")) > 0,
        "a subscriber is killed",
        5_000,
      );
      await last(300);
    }
    await scene.untilAllGotOneAfter(performance.now(), 10_000);
    expect(await scene.verdict()).toEqual(CLEAN);
    expect(scene.disconnects()).toBe(0);
  });

  it("loses messages in silence: found by the number of the next, or within about 20 s", async () => {
    const redis = await startRedis();
    const proxy = await startProxy(redis.port);
    const url = `redis://127.0.0.1:${proxy.port}`;
    const scene = await startRedisScene({ redis: [url], devicesPerUser: 4, rate: 100 });
    const watching = await watchAll(scene.hub, userOf(0));
    proxy.swallowPushes(true);
    await until(() => proxy.swallowed > 200, "messages are lost", 10_000);
    proxy.swallowPushes(false);
    const began = performance.now();
    await scene.untilAllGotOneAfter(began, 10_000);
    // The last word of a user, after which there is no other that would tell of it.
    for (const producer of scene.producers) await producer.finish();
    await until(
      () => scene.oracle.lost().length === 0,
      "all is shown",
      25_000,
      () => scene.oracle.lost().join("\n"),
    );
    proxy.swallowPushes(true);
    const users = Array.from({ length: 20 }, (_, index) => userOf(index));
    const endings = users.map(
      (userId): SentEvent => ({
        id: `last of ${userId}`,
        type: "photo.upload.completed",
        data: { jobId: `last-${userId}`, userId, photoId: "p" },
      }),
    );
    for (const ending of endings) scene.oracle.published(ending);
    expect((await post(scene.hub.internalUrl, endings))?.size).toBe(0);
    for (const ending of endings) scene.oracle.acknowledged(ending, scene.oracle.generation);
    const lostAtMs = performance.now();
    await until(() => proxy.swallowed > 220, "messages are lost", 5_000);
    expect(scene.oracle.lost().length).toBeGreaterThan(0);
    proxy.swallowPushes(false);
    await until(
      () => scene.oracle.lost().length === 0,
      "all is shown",
      25_000,
      () => scene.oracle.lost().join("\n"),
    );
    console.log(`9d, the silence was found after ${Math.round(performance.now() - lostAtMs)} ms`);
    expect(scene.oracle.verdict()).toEqual(CLEAN);
    await expectConverged(scene.hub, userOf(0), watching);
    expect(scene.disconnects()).toBe(0);
  });
});

describeWithRedis("one hub of two loses Redis", () => {
  it("is not ready, keeps its clients, and catches up; the other goes on", async () => {
    const redis = await startRedis();
    const proxy = await startProxy(redis.port);
    const scene = await startRedisScene({
      redis: [`redis://127.0.0.1:${proxy.port}`, redis.url],
      users: 10,
      rate: 60,
    });
    const [population, others] = scene.populations;
    const outage = watchOutage(scene.hub);
    proxy.cut();
    await outage.untilRefused(3_000);
    await outage.untilReady(false, 3_000);
    const cutAtMs = performance.now();
    await others?.untilAllGotOneAfter(cutAtMs, 10_000);
    await last(2_000);
    expect(
      population?.records.filter(
        ({ kind, lastMessageAtMs }) => kind !== "polling" && lastMessageAtMs > cutAtMs,
      ),
    ).toEqual([]);
    const hub = scene.hubs[1];
    const answer = await fetch(`${hub?.internalUrl}/readyz`);
    expect(answer.status).toBe(200);
    proxy.mend();
    await outage.untilReady(true, 5_000);
    await scene.untilAllGotOneAfter(performance.now(), 10_000);
    await expectSurvived("10, one of two:", scene, outage);
  });
});
