import { afterEach, expect, it } from "vitest";
import type { SentEvent } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { type WatchedMessage, type Watcher, watchers } from "../clients.ts";
import { scrape } from "../metrics.ts";
import { describeWithRedis } from "../redis/available.ts";
import { startRedis } from "../redis/server.ts";
import { type Cluster, startCluster, tokenFor } from "./cluster.ts";
import { viewOf } from "./converged.ts";
import { endlessJobs } from "./jobs.ts";
import { userOf } from "./population.ts";
import { post } from "./producer.ts";
import { endRedisScenes } from "./redis-scene.ts";
import { randomOf, shuffled } from "./seed.ts";

const open: Watcher[] = [];

afterEach((context) => {
  for (const watcher of open.splice(0)) watcher.close();
  endRedisScenes(context);
});

const KINDS = ["socketio", "websocket", "sse", "polling"] as const;
const PHOTOS = 300;
const EVERY_MS = 20;
/** Polls come 50 ms apart. */
const P99_BELOW_MS = { socketio: 100, websocket: 100, sse: 100, polling: 150 } as const;

describeWithRedis("two hubs, one Redis", () => {
  it("clients of the other hub get the same, as fast, and a third hub nothing", { retry: 2 }, async () => {
    const redis = await startRedis();
    const start = () => startCluster("--workers", "1", "--redis", redis.url);
    const [a, b, third] = await Promise.all([start(), start(), start()]);
    const [onA, onB] = [await watchAs(a, "u"), await watchAs(b, "u")];
    const stranger = watchers.websocket({ publicUrl: third.publicUrl, token: tokenFor("stranger") });
    open.push(stranger);
    await stranger.until(({ syncs }) => syncs > 0, "synced");
    const sentAtMs = new Map<string, number>();
    const tooks = new Map(onB.map((watcher) => [watcher.kind, measure(watcher, sentAtMs)]));
    for (let index = 0; index < PHOTOS; index += 1) {
      const photoId = `p${index}`;
      sentAtMs.set(photoId, performance.now());
      void post(a.internalUrl, [
        event(`e${index}`, "photo.upload.completed", { photoId, jobId: "trip", userId: "u" }),
      ]);
      const nextMs = (sentAtMs.get("p0") ?? 0) + (index + 1) * EVERY_MS;
      await until(() => performance.now() >= nextMs - EVERY_MS / 2, "the next is due", 5_000);
    }
    const all = [...onA, ...onB];
    for (const watcher of all)
      await watcher.until(() => completedOf(watcher).length === PHOTOS, "all photos", 10_000);
    expect(
      (await post(a.internalUrl, [event("end", "uploadjob.completed", { jobId: "trip", userId: "u" })]))
        ?.size,
    ).toBe(0);
    const ended = ({ messages }: Watcher) => messages.some(({ type }) => type === "job_completed");
    for (const watcher of all) await watcher.until(ended, "the job's end", 5_000);
    for (const kind of KINDS) {
      const [here, there] = [onA, onB].map((some) => some.find((watcher) => watcher.kind === kind));
      // A poll tells of the state when it was answered.
      if (kind === "polling") expect(here?.view()).toEqual(there?.view());
      else expect(there?.raw).toEqual(here?.raw);
    }
    const publications = (hub: Cluster) =>
      scrape(hub.internalUrl).then((series) => series.get("redis_publications_total"));
    const counted = { b: await publications(b), third: await publications(third) };
    const p99 = Object.fromEntries(
      [...tooks].map(([kind, took]) => [kind, Math.round(percentile(took, 0.99))]),
    );
    const p50 = Object.fromEntries(
      [...tooks].map(([kind, took]) => [kind, Math.round(percentile(took, 0.5))]),
    );
    console.log(
      "C, ms from post to receipt on the other hub:",
      JSON.stringify({ p50, p99 }),
      JSON.stringify(counted),
    );
    expect(counted.b).toBeGreaterThan(0);
    expect(counted.third).toBe(0);
    for (const kind of KINDS) expect(p99[kind], kind).toBeLessThan(P99_BELOW_MS[kind]);
  });

  it("events of one job sprayed over both, twice and shuffled, come to the state of one hub", async () => {
    const redis = await startRedis();
    const rules = ["--workers", "1", "--retry-grace", "8s"];
    const start = () => startCluster(...rules, "--redis", redis.url);
    const [a, b, alone] = await Promise.all([start(), start(), startCluster(...rules)]);
    const users = 8;
    const jobs = endlessJobs(users, "spray");
    // A retry that is heard after the end of its job comes too late for it, in any hub.
    const events = Array.from({ length: 1_200 }, () => jobs.next().value).filter(
      ({ data }) => Number(data.jobId.split("-").at(-1)) % 5 !== 1,
    );
    for (let from = 0; from < events.length; from += 50) await send(alone, events.slice(from, from + 50));
    const random = randomOf("spray");
    const sprayed = shuffled([...events, ...events], random);
    const batches: Promise<void>[] = [];
    for (let from = 0; from < sprayed.length; from += 8)
      batches.push(send(random.chance(0.5) ? a : b, sprayed.slice(from, from + 8)));
    await Promise.all(batches);
    for (let index = 0; index < users; index += 1) {
      const user = userOf(index);
      for (const hub of [a, b]) {
        let [wanted, found]: readonly unknown[] = [null, null];
        const isSame = async () => {
          [wanted, found] = [stateOf(await viewOf(alone, user)), stateOf(await viewOf(hub, user))];
          return JSON.stringify(wanted) === JSON.stringify(found);
        };
        await until(isSame, `the same state of ${user}`, 15_000).catch(() => undefined);
        expect(found).toEqual(wanted);
      }
    }
  });
});

function event(id: string, type: string, data: SentEvent["data"]): SentEvent {
  return { id, type, data };
}

async function send(hub: Cluster, events: readonly SentEvent[]): Promise<void> {
  expect(await post(hub.internalUrl, events)).toEqual(new Map());
}

async function watchAs({ publicUrl }: Cluster, userId: string): Promise<readonly Watcher[]> {
  const watching = KINDS.map((kind) => watchers[kind]({ publicUrl, token: tokenFor(userId) }));
  open.push(...watching);
  for (const watcher of watching) await watcher.until(({ syncs }) => syncs > 0, "synced");
  return watching;
}

function completedOf({ messages }: Watcher): readonly WatchedMessage[] {
  return messages.filter(({ type }) => type === "upload_completed");
}

/** Milliseconds from its post to each photo's ending, as they come. */
function measure(watcher: Watcher, sentAtMs: ReadonlyMap<string, number>): readonly number[] {
  const took: number[] = [];
  let seen = 0;
  const look = ({ messages }: Watcher): boolean => {
    for (; seen < messages.length; seen += 1) {
      const message = messages[seen];
      const atMs = sentAtMs.get(message?.photoId ?? "");
      if (message?.type === "upload_completed" && atMs !== undefined) took.push(performance.now() - atMs);
    }
    return took.length === PHOTOS;
  };
  watcher.until(look, "all photos", 60_000).catch(() => undefined);
  return took;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.POSITIVE_INFINITY;
}

/** What does not depend on when it was told: an ending is shown once, with the bytes that were known then. */
function stateOf(view: ReturnType<Watcher["view"]>): readonly unknown[] {
  return [...view]
    .map(([key, { type, status, attempt, errorCode, photos, bytesTransferred, totalBytes }]) => {
      const bytes = type === "upload_progress" ? { bytesTransferred, totalBytes } : {};
      return { key, type, status, attempt, errorCode, photos, ...bytes };
    })
    .sort((left, right) => (left.key < right.key ? -1 : 1));
}
