import slotOf from "cluster-key-slot";
import { afterEach, expect, it } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { keysOf } from "../../src/engine/redis/keys.ts";
import { describeWithRedis } from "../redis/available.ts";
import { startRedisCluster } from "../redis/cluster.ts";
import { startSentinels } from "../redis/sentinel.ts";
import { type Cluster, INGEST_TOKEN, startCluster, tokenFor } from "./cluster.ts";
import { expectConverged, viewOf, watchAll } from "./converged.ts";
import { watchOutage } from "./outage.ts";
import { userOf } from "./population.ts";
import { post } from "./producer.ts";
import { CLEAN, endRedisScenes, expectSurvived, startRedisScene } from "./redis-scene.ts";

afterEach(endRedisScenes);

const LOAD = { users: 16, devicesPerUser: 3, kinds: ["socketio", "websocket", "sse"], rate: 80 } as const;
const MOVES = 6;

describeWithRedis("another Redis takes over", () => {
  it("Sentinel makes a replica the master under load: with --durability sync nothing is lost", async () => {
    const setup = await startSentinels(2);
    const scene = await startRedisScene({
      ...LOAD,
      redis: [setup.url, setup.url],
      flags: ["--durability", "sync"],
    });
    const watching = await watchAll(scene.hub, userOf(1));
    const outage = watchOutage(scene.hub);
    const before = await setup.masterPort();
    // Messages are on their way before a replica has what they tell: only the answer waits for it.
    scene.oracle.mayTakeBack();
    await setup.servers.find(({ port }) => port === before)?.kill();
    await outage.untilRefused(3_000);
    await outage.untilReady(false, 3_000);
    await outage.untilReady(true, 30_000);
    expect(await setup.masterPort()).not.toBe(before);
    await scene.untilAllGotOneAfter(performance.now(), 15_000);
    await expectSurvived("9e, fail-over:", scene, outage, false);
    await expectConverged(scene.hub, userOf(1), watching);
  });

  it("in a cluster slots move to another node under traffic", async () => {
    const cluster = await startRedisCluster();
    const scene = await startRedisScene({ ...LOAD, redis: [cluster.url, cluster.url] });
    const watching = await watchAll(scene.hub, userOf(0));
    for (let move = 0; move < MOVES; move += 1) {
      const slot = slotOf(keysOf(userOf(move % 4)).prefix);
      const from = await cluster.ownerOf(slot);
      await cluster.moveSlot(slot, from, (from + 1) % 3);
      await scene.untilAllGotOneAfter(performance.now(), 10_000);
    }
    expect(await scene.verdict()).toEqual(CLEAN);
    expect(scene.disconnects()).toBe(0);
    expect(scene.producers.flatMap(({ rejected }) => rejected)).toEqual([]);
    for (const hub of scene.hubs) await expectConverged(hub, userOf(0), watching);
  });

  it.each(["user and jobs before their photos", "photos before user and jobs"] as const)(
    "in a cluster a move of a slot stands still half done (%s): nothing is taken for gone",
    async (order) => {
      const cluster = await startRedisCluster();
      const hub = await startCluster("--workers", "1", "--redis", cluster.url);
      const slot = slotOf(keysOf("u").prefix);
      const from = await cluster.ownerOf(slot);
      const send = (jobId: string, photoId: string, ending: string) =>
        post(hub.internalUrl, [
          {
            id: `${jobId}/${photoId}`,
            type: `photo.upload.${ending}`,
            data: { jobId, userId: "u", photoId },
          },
        ]);
      for (const jobId of ["one", "two", "three"])
        for (const photoId of ["a", "b"]) expect(await send(jobId, photoId, "completed")).toEqual(new Map());
      // So that every node knows the scripts, which are sent whole otherwise, without ASKING.
      for (let index = 0; index < 12; index += 1)
        await postRaw(hub, { jobId: `other-${index}`, userId: userOf(index), photoId: "a" });
      // So that all keys that a script names are there.
      await post(hub.internalUrl, [
        { id: "end", type: "uploadjob.completed", data: { jobId: "two", userId: "u", photoCount: 2 } },
      ]);
      const isJob = (key: string) => key.includes(":job:") || key.includes(":log:");
      const isFirst = (key: string) => isJob(key) === (order === "photos before user and jobs");
      const answers: unknown[] = [];
      await cluster.moveSlot(slot, from, (from + 1) % 3, {
        isFirst,
        async run() {
          for (const jobId of ["one", "three", "new"]) {
            const { status } = await postRaw(hub, { jobId, userId: "u", photoId: "c" });
            answers.push(status);
          }
          const { publicUrl } = hub;
          const polled = await fetch(`${publicUrl}/api/v1/upload-progress`, {
            headers: { accept: "application/json", authorization: `Bearer ${tokenFor("u")}` },
          });
          answers.push(polled.status);
        },
      });
      console.log(order, answers);
      for (const answer of answers) expect([200, 503]).toContain(answer);
      for (const jobId of ["one", "three", "new"]) {
        const taken = async () => (await send(jobId, "d", "completed")) !== null;
        await until(taken, "an event is taken", 5_000);
      }
      const view = await viewOf(hub, "u");
      const photos = [...view].filter(
        ([, { status, attempt }]) => attempt !== null && status === "COMPLETED",
      );
      const held = photos.map(([key]) => key);
      for (const jobId of ["one", "two", "three"])
        for (const photoId of ["a", "b"]) expect(held).toContain(`${jobId}/${photoId}`);
      for (const jobId of ["one", "three", "new"]) expect(held).toContain(`${jobId}/d`);
    },
  );

  it("in a cluster a master dies, and its replica takes over", async () => {
    const cluster = await startRedisCluster();
    const scene = await startRedisScene({ ...LOAD, redis: [cluster.url, cluster.url], stateSurvives: false });
    const users = [0, 1, 2, 3, 4, 5].map(userOf);
    const watching = await Promise.all(users.map((user) => watchAll(scene.hub, user)));
    const slot = slotOf(keysOf(userOf(0)).prefix);
    const master = await cluster.ownerOf(slot);
    const outage = watchOutage(scene.hub);
    await cluster.nodes[master]?.kill();
    // What its replica had not been sent yet is gone.
    scene.oracle.coreEnded("killed");
    await outage.untilReady(false, 5_000);
    await outage.untilReady(true, 30_000);
    outage.stop();
    expect(await cluster.ownerOf(slot)).not.toBe(master);
    await scene.untilAllGotOneAfter(performance.now(), 15_000);
    expect(await scene.verdict()).toEqual(CLEAN);
    expect(scene.disconnects()).toBe(0);
    for (const [index, user] of users.entries())
      await expectConverged(scene.hub, user, watching[index] ?? []);
  });
});

function postRaw(
  { internalUrl }: Cluster,
  data: { readonly jobId: string; readonly userId: string; readonly photoId: string },
): Promise<Response> {
  const event = {
    specversion: "1.0",
    source: "/moves",
    id: data.jobId,
    type: "photo.upload.completed",
    data,
  };
  return fetch(`${internalUrl}/api/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${INGEST_TOKEN}`, "content-type": "application/cloudevents+json" },
    body: JSON.stringify(event),
  });
}
