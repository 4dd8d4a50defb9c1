import { afterEach, expect, it } from "vitest";
import type { SentEvent } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import type { WatchedMessage, Watcher } from "../clients.ts";
import { describeWithRedis } from "../redis/available.ts";
import { startRedis } from "../redis/server.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { watchAll } from "./converged.ts";
import { post } from "./producer.ts";
import { endRedisScenes } from "./redis-scene.ts";

afterEach(endRedisScenes);

const TAKEN_OVER_WITHIN_MS = 3_000;
const SECONDS = { interval: 1, stall: 2, expire: 4, idle: 3 } as const;
let count = 0;

function told(
  type: string,
  jobId: string,
  more: Partial<SentEvent["data"]> & { totalBytes?: number } = {},
): SentEvent {
  count += 1;
  return { id: `e${count}`, type, data: { jobId, userId: "u", photoId: "p", ...more } };
}

describeWithRedis("a hub that is killed for good", () => {
  it("leaves nothing unsaid: the other shows what it held back, and what silence does", async () => {
    const redis = await startRedis();
    const flags = [
      ["--workers", "1", "--redis", redis.url],
      ["--progress-interval", `${SECONDS.interval}s`, "--job-interval", `${SECONDS.interval}s`],
      [
        "--stall-after",
        `${SECONDS.stall}s`,
        "--expire-after",
        `${SECONDS.expire}s`,
        "--job-idle",
        `${SECONDS.idle}s`,
      ],
    ].flat();
    const [killed, other] = await Promise.all([startCluster(...flags), startCluster(...flags)]);
    const watching = await watchAll(other, "u");
    await tell(killed, [told("photo.upload.progressed", "held", { bytesTransferred: 10, totalBytes: 100 })]);
    await tell(killed, [told("photo.upload.completed", "idle")]);
    // Merged, and held back for its interval.
    await tell(killed, [told("photo.upload.progressed", "held", { bytesTransferred: 50, totalBytes: 100 })]);
    const atMs = performance.now();
    for (const { pid } of killed.processes()) process.kill(pid, "SIGKILL");
    expect(
      watching.flatMap(({ messages }) => messages).filter(({ bytesTransferred }) => bytesTransferred === 50),
    ).toEqual([]);

    await shown(
      watching,
      atMs,
      SECONDS.interval,
      "what was held back",
      (one) => one.jobId === "held" && one.photoId === "p" && one.bytesTransferred === 50,
    );
    await shown(
      watching,
      atMs,
      SECONDS.interval,
      "what was held back of the job",
      (one) => one.jobId === "held" && one.photoId === undefined && one.bytesTransferred === 50,
    );
    await shown(
      watching,
      atMs,
      SECONDS.stall,
      "the stall",
      (one) => one.jobId === "held" && one.stalled === true,
    );
    await shown(
      watching,
      atMs,
      SECONDS.idle,
      "the end of the job by silence",
      (one) => one.jobId === "idle" && one.type === "job_completed",
    );
    await shown(
      watching,
      atMs,
      SECONDS.expire,
      "the time-out",
      (one) => one.jobId === "held" && one.type === "upload_failed",
    );
  });
});

/** On every connection, within three seconds of when it is due. */
async function shown(
  watching: readonly Watcher[],
  fromMs: number,
  dueSeconds: number,
  what: string,
  is: (message: WatchedMessage) => boolean,
): Promise<void> {
  const leftMs = fromMs + dueSeconds * 1_000 + TAKEN_OVER_WITHIN_MS - performance.now();
  await until(
    () => watching.every(({ messages }) => messages.some(is)),
    what,
    Math.max(0, leftMs),
    () => JSON.stringify(watching[0]?.messages.slice(-8), null, 1),
  );
  console.log(
    `F, ${what}: ${Math.round(performance.now() - fromMs - dueSeconds * 1_000)} ms after it was due`,
  );
  for (const { messages, kind } of watching)
    expect(messages.filter(is).length, `${kind}: ${what}`).toBeLessThan(3);
}

async function tell(hub: Cluster, events: readonly SentEvent[]): Promise<void> {
  expect(await post(hub.internalUrl, events)).toEqual(new Map());
}
