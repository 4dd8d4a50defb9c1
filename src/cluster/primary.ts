import { type ChildProcess, fork } from "node:child_process";
import cluster from "node:cluster";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setupPrimary as setupSocketIoAdapter } from "@socket.io/cluster-adapter";
import type { Logger } from "pino";
import { createVerifier } from "../auth/verify.ts";
import type { Settings } from "../config/schema.ts";
import { secretsOf } from "../config/secrets.ts";
import { publicUrlOf } from "../gateway/listener.ts";
import { urlOf } from "../listening.ts";
import { metricsOfPrimary } from "../metrics/of-primary.ts";
import { Registry } from "../metrics/registry.ts";
import { packageVersion } from "../package-version.ts";
import { StartError } from "../start-error.ts";
import { Handover } from "./handover.ts";
import { Slot } from "./slot.ts";
import { makeSocketFolder } from "./sockets.ts";

export interface ClusterOptions {
  readonly settings: Settings;
  /** Gateway processes, at least 1. */
  readonly gateways: number;
  readonly log: Logger;
  /** Gives up the start; what was started is ended. */
  readonly signal?: AbortSignal;
}

/** A hub of several processes, as the one that supervises them sees it. */
export interface Cluster {
  /** For clients; with port 0 the real one. */
  readonly publicUrl: string;
  /** For producers and operators. */
  readonly internalUrl: string;
  /** Resolves with the cause when a process can't be kept alive. */
  readonly broken: Promise<string>;
  /** Replaces the gateways one by one, the new one first. Rejects when a new one fails; the old one stays then. */
  restartGateways(): Promise<void>;
  /** Says it is not ready, shows what it has acknowledged, sends clients away in time, and ends all processes. */
  drain(): Promise<void>;
  /** Ends everything at once. */
  close(): Promise<void>;
}

const WATCH_EVERY_MS = 1_000;
/** The core shows what it holds back within this, or gateways are drained all the same. */
const CORE_DRAIN_MS = 1_000;
/** What is left of `drain-timeout` for processes to end in. */
const EXIT_MS = 1_500;

/**
 * Starts core and gateways, keeps them alive and holds their ports, so that those stay the same whatever dies.
 * Rejects with the system's error when it can't listen, with an Error for keys that can't be used, and with the cause
 * when a process ends before it serves, or with the signal's reason. One in a process: node's cluster is global.
 */
export async function startCluster({ settings, gateways, log, signal }: ClusterOptions): Promise<Cluster> {
  // Keys that can't be used are found here, not in each process.
  createVerifier(settings);
  const origin = { unixMs: Date.now(), monotonicMs: performance.now() };
  const version = packageVersion();
  const internal = new Handover();
  const external = new Handover();
  const slots: Slot[] = [];
  const folder = makeSocketFolder();
  const metrics = new Registry("primary");
  let isDraining = false;
  let watch: NodeJS.Timeout | null = null;
  let onBroken: (cause: string) => void = () => {};
  const broken = new Promise<string>((resolve) => {
    onBroken = resolve;
  });

  async function end(): Promise<void> {
    if (watch !== null) clearInterval(watch);
    metrics.close();
    await Promise.all(slots.map((slot) => slot.stop()));
    internal.close();
    external.close();
    rmSync(folder, { recursive: true, force: true });
  }

  try {
    const internalPort = await internal.listen(settings.internalHost, settings.internalPort);
    const port = await external.listen(settings.host, settings.port);
    // A folder that nobody named is as short-lived as the sockets'.
    const dataDir = settings.dataDir ?? join(folder, "data");
    const resolved: Settings = { ...settings, internalPort, port, dataDir };
    const common = { version, secrets: secretsOf(settings) };
    const shared = {
      log,
      metrics: () => metrics.snapshot(),
      giveUp: (cause: string) => onBroken(cause),
    };

    const core = new Slot({
      ...shared,
      name: "core",
      handover: internal,
      fork: () => fork(scriptOf("core-process"), { execArgv: process.execArgv }),
      start: () => ({
        process: "core",
        settings: resolved,
        folder,
        startMs: origin.unixMs + performance.now() - origin.monotonicMs,
        isDraining,
        ...common,
      }),
    });
    cluster.setupPrimary({ exec: scriptOf("gateway-process"), args: [] });
    setupSocketIoAdapter();
    let lastTag = 0;
    const publics = Array.from({ length: gateways }, (_, index) => {
      return new Slot({
        ...shared,
        name: `gateway ${index + 1}`,
        handover: external,
        fork: forkGateway,
        start: () => {
          lastTag += 1;
          return { process: "gateway", settings: resolved, folder, tag: String(lastTag), ...common };
        },
      });
    });
    slots.push(core, ...publics);
    metrics.add(
      metricsOfPrimary(() => ({
        gatewaysWanted: gateways,
        restarts: { core: core.restarts, gateway: publics.reduce((sum, slot) => sum + slot.restarts, 0) },
        handovers: { public: external.stats, internal: internal.stats },
      })),
    );
    watch = watchOver(slots);
    const started = Promise.all(
      slots.map((slot) => slot.start().catch((error: unknown) => fail(slot, error))),
    );
    await (signal === undefined ? started : Promise.race([started, aborted(signal)]));

    return {
      publicUrl: publicUrlOf(settings, port),
      internalUrl: urlOf("http", settings.internalHost, internalPort),
      broken,
      async restartGateways() {
        for (const slot of publics) await slot.replace(settings.drainTimeout);
      },
      async drain() {
        isDraining = true;
        const drainMs = Math.max(settings.drainTimeout / 2, settings.drainTimeout - CORE_DRAIN_MS - EXIT_MS);
        await Promise.race([core.child?.drain(CORE_DRAIN_MS), pause(CORE_DRAIN_MS)]);
        await Promise.all(publics.map((slot) => slot.drain(drainMs)));
        await end();
      },
      close: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

function fail(slot: Slot, error: unknown): never {
  throw new StartError(
    `the ${slot.name} process can't start: ${error instanceof Error ? error.message : error}`,
  );
}

/** Rejects when the signal is given. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function forkGateway(): ChildProcess {
  const worker = cluster.fork();
  // `Child` hears it from the process; without a listener here too, one that can't be started would end the primary.
  worker.on("error", () => {});
  return worker.process;
}

function watchOver(slots: readonly Slot[]): NodeJS.Timeout {
  let lastMs = performance.now();
  return setInterval(() => {
    const nowMs = performance.now();
    // What the primary slept through, nobody can have told it.
    const lateMs = Math.max(0, nowMs - lastMs - WATCH_EVERY_MS);
    lastMs = nowMs;
    for (const slot of slots) slot.watch(nowMs, lateMs);
  }, WATCH_EVERY_MS);
}

/** Beside this file, in the built program. */
function scriptOf(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
