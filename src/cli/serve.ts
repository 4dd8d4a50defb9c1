import { availableParallelism } from "node:os";
import type { Command } from "commander";
import type { Logger } from "pino";
import { z } from "zod";
import { loadSettings, type SettingSources } from "../config/load.ts";
import { notYet } from "../config/not-yet.ts";
import type { Settings } from "../config/schema.ts";
import { secretsOf } from "../config/secrets.ts";
import { createLog } from "../log.ts";
import { messageOf } from "../message-of.ts";
import { StartError } from "../start-error.ts";
import { keepYoungObjectsYoung } from "../young-objects.ts";
import { CommandFailed, exitCode } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import type { End } from "./main.ts";
import { addSettings, sourcesOf } from "./options.ts";
import { type Addresses, devLines, readyLine } from "./ready.ts";

export function addServe(program: Command, host: Host, end: End): void {
  const command = addSettings(program.command("serve").description("run the hub"));
  command.addHelpText(
    "after",
    `
Every setting is also an environment variable (PROGRESS_HUB_PORT) and a key of the file of --config (port).

Signals: SIGTERM and SIGINT send clients away within --drain-timeout and end with 0, a second one ends at once; SIGHUP
replaces the gateway processes one by one. It ends with 1 when a process can't be kept alive.

Examples:
  progress-hub serve --dev
  progress-hub serve --jwt-secret "$(openssl rand -hex 32)" --ingest-token "$(openssl rand -hex 32)"
  progress-hub serve --config hub.json --port 9000 --workers 4`,
  );
  command.action(async () => end(await serve(host, sourcesOf(command, host))));
}

/** A hub that serves, in this process or in several. */
interface Running extends Addresses {
  /** Resolves with the cause when it can't go on. */
  readonly broken: Promise<string>;
  /** Rejects with the reason. */
  restartGateways(): Promise<void>;
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Runs until the first SIGINT or SIGTERM, then drains; a second one ends the process at once. */
async function serve(host: Host, sources: SettingSources): Promise<number> {
  const { settings, warnings } = loadSettings(sources);
  const workers = settings.workers === "auto" ? Math.max(1, availableParallelism() - 1) : settings.workers;
  const log = createLog({
    settings,
    secrets: secretsOf(settings),
    stderr: host.stderr,
    processName: workers === 0 ? "hub" : "primary",
  });
  for (const warning of warnings) log.warn(warning);
  for (const line of notYet({ settings })) log.warn(line);

  const signals = listenToSignals(host);
  try {
    const hub = await start(settings, workers, log, signals.signal).catch((error: unknown) => {
      if (signals.signal.aborted) return null;
      throw error;
    });
    if (hub === null || signals.signal.aborted) {
      await hub?.close();
      return exitCode.done;
    }
    const announced = [readyLine(hub, process.pid, workers)];
    if (settings.dev) announced.push(...devLines(settings, hub, host.invocation));
    host.stdout.write(`${announced.join("\n")}\n`);
    signals.onRestart(oneAtATime(() => restart(hub, log, signals.signal)));
    const cause = await Promise.race([signals.stopped, hub.broken]);
    if (cause !== null) {
      await hub.close();
      throw new CommandFailed(exitCode.failed, `${cause}; see the log above`);
    }
    log.info("stopping: clients are asked to come back; again to stop at once");
    await hub.drain();
    return exitCode.done;
  } finally {
    signals.release();
  }
}

async function start(
  settings: Settings,
  workers: number,
  log: Logger,
  signal: AbortSignal,
): Promise<Running> {
  // Loaded here, so that `token` and `--help` need not wait for the whole server.
  try {
    const { effectiveMaxConnections } = await import("../gateway/listener.ts");
    const maxConnections = effectiveMaxConnections(settings.maxConnections);
    log.info({ maxConnections, asked: settings.maxConnections }, "connections a gateway takes");
    if (workers > 0) {
      const { startCluster } = await import("../cluster/primary.ts");
      return await startCluster({ settings, gateways: workers, log, signal });
    }
    keepYoungObjectsYoung();
    const { startHub } = await import("../core/hub.ts");
    const hub = await startHub({ settings, log });
    return {
      publicUrl: hub.publicUrl,
      internalUrl: hub.internalUrl,
      broken: new Promise(() => {}),
      async restartGateways() {
        throw new Error("with --workers 0 there is no gateway process to replace");
      },
      drain: () => hub.drain().then(hub.close),
      close: hub.close,
    };
  } catch (error) {
    throw listenFailure(error, settings) ?? lookupFailure(error, settings) ?? startFailure(error) ?? error;
  }
}

async function restart(hub: Running, log: Logger, stopping: AbortSignal): Promise<void> {
  if (stopping.aborted) return;
  const startMs = performance.now();
  log.info("replacing the gateways one by one");
  try {
    await hub.restartGateways();
    if (!stopping.aborted)
      log.info({ seconds: Math.round((performance.now() - startMs) / 1_000) }, "all gateways are replaced");
  } catch (error) {
    log.warn({ cause: messageOf(error) }, "the gateways were not replaced");
  }
}

function startFailure(error: unknown): CommandFailed | null {
  return error instanceof StartError ? new CommandFailed(exitCode.failed, error.message) : null;
}

const listenError = z.object({
  code: z.enum(["EADDRINUSE", "EACCES", "EADDRNOTAVAIL"]),
  port: z.number().optional(),
  address: z.string().optional(),
});

function listenFailure(error: unknown, settings: Settings): CommandFailed | null {
  const parsed = listenError.safeParse(error);
  if (!parsed.success) return null;
  const { code, port, address } = parsed.data;
  const internal = port === settings.internalPort && port !== settings.port;
  const flag = internal ? "--internal-port" : "--port";
  const place = `${address ?? (internal ? settings.internalHost : settings.host)}:${port ?? settings.port}`;
  const lines = {
    EADDRINUSE: `port in use: ${place}; stop what listens there, or take another with ${flag} (0: any free one)`,
    EACCES: `not allowed to listen on ${place}; take a port from 1024 with ${flag}`,
    EADDRNOTAVAIL: `${place} is no address of this machine; see ${internal ? "--internal-host" : "--host"}`,
  };
  return new CommandFailed(exitCode.failed, lines[code]);
}

const lookupError = z.object({ code: z.enum(["ENOTFOUND", "EAI_AGAIN"]), hostname: z.string() });

function lookupFailure(error: unknown, settings: Settings): CommandFailed | null {
  const parsed = lookupError.safeParse(error);
  if (!parsed.success) return null;
  const { code, hostname } = parsed.data;
  // The internal listener comes first: with the same name for both, it is the one that failed.
  const flag = hostname === settings.internalHost ? "--internal-host" : "--host";
  const line = `${flag} names ${hostname}, which can't be resolved (${code}); give an address of this machine`;
  return new CommandFailed(exitCode.usage, line);
}

/** What is asked for while it goes on is done once more after it. */
function oneAtATime(task: () => Promise<void>): () => void {
  let [isAsked, isBusy] = [false, false];
  const run = async (): Promise<void> => {
    isBusy = true;
    while (isAsked) {
      isAsked = false;
      await task();
    }
    isBusy = false;
  };
  return () => {
    isAsked = true;
    if (!isBusy) void run();
  };
}

interface Signals {
  /** Resolves with null at the first SIGINT or SIGTERM; the signal is given then. */
  readonly stopped: Promise<null>;
  readonly signal: AbortSignal;
  /** Calls back for each SIGHUP from now on. */
  onRestart(restart: () => void): void;
  release(): void;
}

function listenToSignals(host: Host): Signals {
  const stop = new AbortController();
  let restart = (): void => {};
  const stopped = new Promise<null>((resolve) => {
    stop.signal.addEventListener("abort", () => resolve(null), { once: true });
  });
  const onStop = (): void => {
    if (stop.signal.aborted) host.exit(exitCode.failed);
    stop.abort();
  };
  const releases = [
    host.onSignal("SIGINT", onStop),
    host.onSignal("SIGTERM", onStop),
    host.onSignal("SIGHUP", () => restart()),
  ];
  return {
    stopped,
    signal: stop.signal,
    onRestart(callback) {
      restart = callback;
    },
    release: () => releases.forEach((release) => void release()),
  };
}
