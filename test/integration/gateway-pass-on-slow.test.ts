import { expect, test } from "vitest";
import { event } from "../events.ts";
import { eventually, type TestCluster, type TestGateway } from "./gateway-harness.ts";
import { nothingLeft, passedWebSocket, startCluster } from "./gateway-sessions.ts";

const PHOTOS = 2_000;
const photoIds = Array.from({ length: PHOTOS }, (_, index) => `photo-${index}`);
/** What a stream takes before it says stop, and one read of the kernel beyond it. */
const MOST_PASSED_BYTES = 16 * 1_024 + 64 * 1_024 + 1_024;

/** Until neither the kernel nor a gateway takes more for the one that does not read. */
async function untilFull({ engine }: TestCluster, owner: TestGateway, passing: TestGateway): Promise<void> {
  const isFull = () =>
    owner.gateway.stats.held === 1 && passing.gateway.stats.passedOn.bufferedBytes > MOST_PASSED_BYTES / 8;
  for (let bytes = 1; bytes < 200 && !isFull() && owner.gateway.stats.slowCloses === 0; bytes += 1) {
    await engine.publish(photoIds.map((photoId) => event.progressed(bytes, { photoId })));
    // Bytes that can move on do so before the next of them.
    for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a slow reader is held by the owner, buffers little here, and converges", async () => {
  const { cluster, owner, passing } = await startCluster(2);
  await cluster.engine.publish([event.created({ photoCount: PHOTOS })]);
  const { client, messages } = await passedWebSocket(owner, passing);
  client.pause();
  await untilFull(cluster, owner, passing);
  expect(owner.gateway.stats.held).toBe(1);
  expect(owner.gateway.stats.slowHolds).toBeGreaterThan(0);
  expect(passing.gateway.stats.passedOn.bufferedBytes).toBeGreaterThan(0);
  expect(passing.gateway.stats.passedOn.bufferedBytes).toBeLessThan(MOST_PASSED_BYTES);
  await cluster.engine.publish(photoIds.map((photoId) => event.completed({ photoId })));
  client.resume();
  await eventually(() => messages.some(({ type }) => type === "job_completed"), "the end of the job", 15_000);
  const finals = new Map(messages.map(({ photoId, status }) => [photoId, status]));
  await eventually(() => owner.gateway.stats.held === 0, "not held any more");
  expect(photoIds.every((photoId) => finals.get(photoId) === "COMPLETED")).toBe(true);
  client.close();
  await nothingLeft(cluster);
}, 30_000);

test("one that never reads again is gone from both gateways after slow-timeout", async () => {
  const { cluster, owner, passing } = await startCluster(2, { slowTimeout: 300 });
  const { client } = await passedWebSocket(owner, passing);
  client.pause();
  await untilFull(cluster, owner, passing);
  await eventually(() => owner.gateway.stats.slowCloses === 1, "closed as too slow");
  await nothingLeft(cluster);
}, 30_000);

test("above max-buffered, what slow readers leave here is dropped", async () => {
  const { cluster, owner, passing } = await startCluster(2, {}, (tag) =>
    tag === "2" ? { maxBuffered: 10_000 } : {},
  );
  const { client } = await passedWebSocket(owner, passing);
  client.pause();
  let bytes = 0;
  await eventually(
    async () => {
      bytes += 1;
      await cluster.engine.publish(photoIds.map((photoId) => event.progressed(bytes, { photoId })));
      return passing.gateway.stats.passedOn.upgrades === 0;
    },
    "dropped",
    20_000,
  );
  expect(owner.gateway.stats.slowCloses).toBe(0);
  await nothingLeft(cluster);
}, 30_000);
