import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { Verifier } from "../auth/verify.ts";
import type { Settings } from "../config/schema.ts";
import { systemClock } from "../engine/clock.ts";
import type { Engine } from "../engine/contract.ts";
import { CoreEngine, type EngineStats } from "../engine/core-engine.ts";
import { CoreSide } from "../engine/link/core-side.ts";
import type { GatewayOrders } from "../engine/presence.ts";
import type { Disk } from "../engine/resident/disk.ts";
import { ResidentStore } from "../engine/resident/store.ts";
import { registerIngest } from "../ingest/http.ts";
import { type HandedOver, serveHandedOver, urlOf } from "../listening.ts";
import { metricsOfCore, metricsOfLinks } from "../metrics/of-core.ts";
import { Registry } from "../metrics/registry.ts";
import { registerMetrics } from "../metrics/route.ts";
import { type Answer, Scraper } from "../metrics/scrape.ts";
import { registerAdmin } from "./admin.ts";
import { Directory } from "./directory.ts";
import { registerHealth } from "./health.ts";
import { createInternalListener } from "./internal-listener.ts";

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
  /** From now on not ready, and events are refused with `draining`; shows what is still held back. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

const TELL_EVERY_MS = 1_000;

/** The process that knows state: internal listener -> ingest -> engine. Read downwards in the order of a message. */
export async function startCore({ settings, verifier, log, cluster }: CoreOptions): Promise<Core> {
  let isDraining = false;

  const store = await openStore(settings, log, cluster ?? null);
  const engine = new CoreEngine({
    clock: systemClock,
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
  await restore(store, log);
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
  const metrics = new Registry(cluster === undefined ? "hub" : "core");
  metrics.add(metricsOfCore(engine, ingest));
  if (links !== undefined) metrics.add(metricsOfLinks(links));
  const askOthers = async () =>
    cluster && links ? (await Promise.all([cluster.primary(), links.scrape()])).flat() : [];
  registerMetrics(internal, new Scraper(metrics, askOthers));
  await links?.listen(cluster?.linkPath ?? "");
  const internalUrl = await accept(internal, settings, cluster?.connections ?? null);

  return {
    engine,
    directory,
    internalUrl,
    metrics,
    stats: () => engine.stats,
    drain() {
      isDraining = true;
      links?.tellHealth();
      return engine.showHeldBack();
    },
    async close() {
      isDraining = true;
      links?.close();
      metrics.close();
      await internal.close();
      await engine.close();
    },
  };
}

/** Reads back what has something to do; says how far it is, where that takes long. */
async function restore(store: ResidentStore, log: Logger): Promise<void> {
  const startedAtMs = performance.now();
  let toldAtMs = startedAtMs;
  await store.restore((photos) => {
    if (performance.now() - toldAtMs < TELL_EVERY_MS) return;
    toldAtMs = performance.now();
    log.info({ openPhotos: photos }, "reading the state back");
  });
  const { jobs, openPhotos } = store.stats;
  if (jobs === 0) return;
  const tookMs = Math.round(performance.now() - startedAtMs);
  log.info({ jobs, openPhotos, tookMs }, "the state of before is back");
}

/** Rejects with a StartError that names the data folder, where it can't be used. */
async function openStore(
  settings: Settings,
  log: Logger,
  cluster: CoreCluster | null,
): Promise<ResidentStore> {
  const startMs = cluster?.startMs ?? systemClock.unixMs();
  const { durability, dataDir: folder } = settings;
  let disk: Disk | null = null;
  if (durability !== "none") {
    cluster?.loading(`data folder ${folder}`);
    const { openDataFolder } = await import("../engine/resident/data-folder.ts");
    disk = await openDataFolder({ folder, durability, floorSeq: Math.floor(startMs) * 1000 });
  }
  return new ResidentStore({
    clock: systemClock,
    retentionMs: settings.jobRetention,
    maxJobsPerUser: settings.maxJobsPerUser,
    startMs,
    disk,
    onTrouble: (error) =>
      log.error(
        { cause: error instanceof Error ? error.message : String(error), folder },
        "the data folder can't be written: events are refused until it can",
      ),
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
