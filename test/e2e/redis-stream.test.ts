import { afterEach, expect, it, vi } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { createPublisher, type Publisher } from "../../src/index.ts";
import { type Watcher, watchers } from "../clients.ts";
import { killAll, startCluster, tokenFor } from "../faults/cluster.ts";
import { scrape } from "../metrics.ts";
import { describeWithRedis } from "../redis/available.ts";
import { makeCertificate } from "../redis/certificate.ts";
import { endAllServers, type RedisServer, startRedis } from "../redis/server.ts";

const STREAM = "uploads";
const open: Watcher[] = [];
const publishers: Publisher[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const watcher of open.splice(0)) watcher.close();
  await Promise.all(publishers.splice(0).map((publisher) => publisher.close(0)));
  killAll();
  endAllServers();
});

const startHub = (server: RedisServer, ...flags: readonly string[]) =>
  startCluster("--workers", "1", "--redis", server.url, "--redis-stream", STREAM, ...flags);

function publisherTo(server: RedisServer): Publisher {
  const publisher = createPublisher({ redis: server.url, stream: STREAM, retry: { minMs: 5, maxMs: 50 } });
  publishers.push(publisher);
  return publisher;
}

async function uploadPhoto(publisher: Publisher, photoId: string): Promise<void> {
  const photo = { jobId: "trip", photoId, totalBytes: 1_000 };
  await publisher.publish({ type: "photo.upload.started", data: photo });
  await publisher.publish({ type: "photo.upload.progressed", data: { ...photo, bytesTransferred: 500 } });
  await publisher.publish({ type: "photo.upload.completed", data: photo });
}

const hasEnded = (watcher: Watcher, photoId: string) =>
  watcher.messages.some((message) => message.type === "upload_completed" && message.photoId === photoId);

describeWithRedis("serve --redis-stream", () => {
  it.each(["websocket", "socketio"] as const)(
    "what a backend adds to the stream reaches a client by %s",
    async (kind) => {
      const server = await startRedis();
      const publisher = publisherTo(server);
      const created = { jobId: "trip", userId: "u", photoCount: 2 };
      // Before there is a hub: the stream keeps it.
      await publisher.publish({ type: "uploadjob.created", data: created });
      const hub = await startHub(server);
      const watcher = watchers[kind]({ publicUrl: hub.publicUrl, token: tokenFor("u") });
      open.push(watcher);
      await uploadPhoto(publisher, "a");
      await uploadPhoto(publisher, "b");
      await watcher.until(
        ({ messages }) => messages.some(({ type }) => type === "job_completed"),
        "the job's end",
      );
      expect(watcher.messages.at(-1)).toMatchObject({
        type: "job_completed",
        jobId: "trip",
        status: "COMPLETED",
        progress: 100,
      });
      expect(hasEnded(watcher, "a") && hasEnded(watcher, "b")).toBe(true);

      await server.command("XADD", STREAM, "*", "event", "no JSON");
      await until(
        async () => (await server.command("XLEN", `${STREAM}:dead`)) === 1,
        "a dead letter",
        10_000,
      );
      const series = await scrape(hub.internalUrl);
      expect(series.get("redis_stream_behind")).toBe(0);
      expect(series.get("redis_stream_pending")).toBe(0);
      expect(series.get('redis_stream_dead_letters_total{code="malformed_json"}')).toBe(1);
      const accepted = 'events_total{source="redis-stream",type="photo.upload.completed",result="accepted"}';
      expect(series.get(accepted)).toBe(2);

      expect(await hub.stop()).toBe(0);
      const groups = await server.command("XINFO", "CONSUMERS", STREAM, "progress-hub");
      expect(groups).toEqual([]);
    },
  );

  it("a killed core takes nothing along that it had not acknowledged, and Redis may go and come back", async () => {
    const server = await startRedis({ persistence: "always" });
    const hub = await startHub(server);
    const publisher = publisherTo(server);
    const watcher = watchers.websocket({ publicUrl: hub.publicUrl, token: tokenFor("u") });
    open.push(watcher);
    await publisher.publish({
      type: "uploadjob.created",
      data: { jobId: "trip", userId: "u", photoCount: 4 },
    });
    await uploadPhoto(publisher, "a");
    await until(() => hasEnded(watcher, "a"), "the first photo", 10_000);

    const core = hub.corePid();
    if (core === null) throw new Error("no core");
    process.kill(core, "SIGKILL");
    await uploadPhoto(publisher, "b");
    // What the dead core may have been given still is taken over after 30 s.
    await until(() => hasEnded(watcher, "b"), "the second photo", 45_000);

    await server.kill();
    const third = uploadPhoto(publisher, "c");
    await until(() => hub.stderr.includes("the Redis Stream can't be read"), "it is told", 10_000);
    await server.start();
    await third;
    await until(() => hasEnded(watcher, "c"), "the third photo", 20_000);
    expect(hub.stderr.match(/the Redis Stream can't be read/g)).toHaveLength(1);
    expect(hub.exit).toBeNull();
  });

  it("is read over TLS with a password, which no line of the log tells", async () => {
    const tls = makeCertificate();
    const password = "p@ss/word-of-redis";
    const server = await startRedis({ tls, password });
    vi.stubEnv("NODE_EXTRA_CA_CERTS", tls.certificatePath);
    const hub = await startHub(server, "--log-level", "trace");
    const event = {
      specversion: "1.0",
      id: "1",
      source: "test",
      type: "photo.upload.completed",
      data: { jobId: "trip", photoId: "a", userId: "u" },
    };
    await server.command("XADD", STREAM, "*", "event", JSON.stringify(event));
    const watcher = watchers.websocket({ publicUrl: hub.publicUrl, token: tokenFor("u") });
    open.push(watcher);
    await until(() => hasEnded(watcher, "a"), "the photo", 10_000);
    await server.kill();
    await until(() => hub.stderr.includes("the Redis Stream can't be read"), "it is told", 10_000);
    for (const secret of [password, encodeURIComponent(password)])
      expect(hub.stdout + hub.stderr).not.toContain(secret);
  });

  it("a hub that is told to stop while events come in shows all it has acknowledged", async () => {
    const server = await startRedis();
    const hub = await startHub(server);
    const publisher = publisherTo(server);
    const watcher = watchers.websocket({ publicUrl: hub.publicUrl, token: tokenFor("u") });
    open.push(watcher);
    await publisher.publish({ type: "uploadjob.created", data: { jobId: "trip", userId: "u" } });
    let isStopping = false;
    let count = 0;
    const producing = (async () => {
      while (!isStopping) {
        count += 1;
        await publisher.publish({
          type: "photo.upload.completed",
          data: { jobId: "trip", photoId: `p${count}` },
        });
      }
    })();
    await until(() => hasEnded(watcher, "p5"), "some photos", 10_000);
    expect(await hub.stop()).toBe(0);
    isStopping = true;
    await producing;
    const group = await server.command("XINFO", "GROUPS", STREAM);
    const fields: unknown[] = Array.isArray(group) && Array.isArray(group[0]) ? group[0] : [];
    const figure = (name: string) => Number(fields[fields.indexOf(name) + 1]);
    expect(figure("pending")).toBe(0);
    // Read and acknowledged, the announcement of the job aside, is what was shown.
    const acknowledged = figure("entries-read") - 1;
    expect(watcher.messages.filter(({ type }) => type === "upload_completed")).toHaveLength(acknowledged);
    expect(acknowledged).toBeLessThanOrEqual(count);
  });
});
