import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { Verifier } from "../auth/verify.ts";
import type { Settings } from "../config/schema.ts";
import { systemClock } from "../engine/clock.ts";
import type { Engine } from "../engine/contract.ts";
import { CoreEngine, type EngineStats } from "../engine/core-engine.ts";
import { CoreSide } from "../engine/link/core-side.ts";
import type { GatewayOrders } from "../engine/presence.ts";
import type { IngestCounts } from "../ingest/event-counts.ts";
import { registerIngest } from "../ingest/http.ts";
import type { RedisStreamSource } from "../ingest/redis-stream.ts";
import { type HandedOver, serveHandedOver, urlOf } from "../listening.ts";
import { metricsOfCore, metricsOfLinks, metricsOfRedisStream, metricsOfState } from "../metrics/of-core.ts";
import { Registry } from "../metrics/registry.ts";
import { registerMetrics } from "../metrics/route.ts";
import { type Answer, Scraper } from "../metrics/scrape.ts";
import { registerAdmin } from "./admin.ts";
import { registerDevSession } from "./dev.ts";
import { Directory } from "./directory.ts";
import { registerHealth } from "./health.ts";
import { createInternalListener } from "./internal-listener.ts";
import { registerPage } from "./page.ts";
import { openState } from "./state.ts";

export interface CoreOptions {
  readonly settings: Settings;
  readonly verifier: Verifier;
  readonly log: Logger;
  /** Where gateways in other processes are served, and who accepts its connections; absent: all in this process. */
  readonly cluster?: CoreCluster;
}

interface CoreCluster {
  /** Unix socket for the gateways' links. */
  readonly linkPath: string;
  readonly connections: HandedOver;
  /** Unix milliseconds at which the numbers of messages begin. */
  readonly startMs: number;
  /** The primary's metrics. */
  readonly primary: () => Promise<Answer>;
  /** State is read from a place. */
  readonly loading: (place: string) => void;
}

export interface Core {
  readonly engine: Engine;
  /** Where gateways say who is connected. */
  readonly directory: Directory;
  readonly internalUrl: string;
  /** Of this process: with a gateway in it, it is for that one's metrics too. */
  readonly metrics: Registry;
  stats(): EngineStats;
  /**
   * From now on not ready, and events are refused with `draining`; shows what is still held back. Resolves when what
   * was read of a Redis Stream has been taken as well; never rejects.
   */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** The process that knows state: internal listener -> ingest -> engine. Read downwards in the order of a message. */
export async function startCore({ settings, verifier, log, cluster }: CoreOptions): Promise<Core> {
  let isDraining = false;

  const startMs = cluster?.startMs ?? systemClock.unixMs();
  const state = await openState(settings, { startMs, log, loading: cluster?.loading ?? null });
  const { store } = state;
  const engine = new CoreEngine({
    clock: state.clock,
    store,
    rules: {
      stallAfterMs: settings.stallAfter,
      expireAfterMs: settings.expireAfter,
      retryGraceMs: settings.retryGrace,
      jobIdleMs: settings.jobIdle,
    },
    limits: {
      maxPhotosPerJob: settings.maxPhotosPerJob,
      maxJobsPerUser: settings.maxJobsPerUser,
      maxOpenPhotos: settings.maxOpenPhotos,
    },
    photoIntervalMs: settings.progressInterval,
    jobIntervalMs: settings.jobInterval,
    recentMs: settings.recent,
  });
  await state.restore();
  const directory = new Directory(settings.maxConnectionsPerUser);

  const health = () => (isDraining ? { ready: false, reason: "draining" } : engine.health());
  const { revocations } = verifier;
  const attach = (name: string, orders: GatewayOrders) => directory.attach(name, orders);
  const links = cluster && new CoreSide({ engine, health, attach, revocations });

  const internal = createInternalListener(settings.maxBody, log);
  registerHealth(internal, {
    isDraining: () => isDraining,
    health: () => engine.health(),
    aloneMs: () => links?.aloneMs ?? null,
  });
  const ingest = registerIngest(internal, {
    publish: (events) => engine.publish(events),
    ingestTokens: settings.ingestToken ?? [],
    maxBodyBytes: settings.maxBody,
    maxBatch: settings.maxBatch,
    isDraining: () => isDraining,
    tusd: { owner: settings.tusdOwner, verify: verifier, owners: store },
  });
  registerAdmin(internal, {
    adminTokens: settings.adminToken,
    directory,
    nowMs: () => systemClock.monotonicMs(),
    forget: (userId) => engine.forget(userId),
    revoke(revocation) {
      const dropped = verifier.revocations.add(revocation);
      links?.revoke([revocation]);
      return dropped === null;
    },
  });
  if (settings.ui) registerPage(internal, "operations");
  if (settings.dev) registerDevSession(internal, settings.adminToken);
  const metrics = new Registry(cluster === undefined ? "hub" : "core");
  metrics.add(metricsOfCore(engine, ingest));
  metrics.add(metricsOfState(state));
  if (links !== undefined) metrics.add(metricsOfLinks(links));
  const askOthers = async () =>
    cluster && links ? (await Promise.all([cluster.primary(), links.scrape()])).flat() : [];
  registerMetrics(internal, new Scraper(metrics, askOthers));
  await links?.listen(cluster?.linkPath ?? "");
  const internalUrl = await accept(internal, settings, cluster?.connections ?? null);
  const stream = await startStream(settings, engine, ingest, log);
  if (stream !== null) metrics.add(metricsOfRedisStream(stream));

  return {
    engine,
    directory,
    internalUrl,
    metrics,
    stats: () => engine.stats,
    async drain() {
      isDraining = true;
      links?.tellHealth();
      await Promise.all([engine.showHeldBack(), stream?.stop()]);
    },
    async close() {
      isDraining = true;
      stream?.close();
      links?.close();
      metrics.close();
      await internal.close();
      await engine.close();
    },
  };
}

/** null: no stream is to be read. */
async function startStream(
  { redis, redisStream, maxBatch, maxBody }: Settings,
  engine: Engine,
  { bySource }: IngestCounts,
  log: Logger,
): Promise<RedisStreamSource | null> {
  if (redis === null || redisStream === null) return null;
  // A third of the time of a start, where it is needed; and a core that died is to be back soon.
  const [{ startRedisStream }, { connectRedis }] = await Promise.all([
    import("../ingest/redis-stream.ts"),
    import("../redis/redis.ts"),
  ]);
  return startRedisStream({
    redis: connectRedis(redis),
    stream: redisStream,
    publish: (events) => engine.publish(events),
    counts: bySource["redis-stream"],
    log,
    maxBatch,
    maxEventBytes: maxBody,
  });
}

/** Resolves with the address. Rejects with the system's error, such as EADDRINUSE. */
async function accept(
  internal: FastifyInstance,
  { internalHost, internalPort }: Settings,
  connections: HandedOver | null,
): Promise<string> {
  if (connections === null) return internal.listen({ host: internalHost, port: internalPort });
  await internal.ready();
  serveHandedOver(internal.server, connections, () => 0);
  return urlOf("http", internalHost, internalPort);
}
