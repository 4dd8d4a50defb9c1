import { availableParallelism } from "node:os";
import type { Command } from "commander";
import type { Logger } from "pino";
import { z } from "zod";
import { loadSettings, type SettingSources } from "../config/load.ts";
import { notYet } from "../config/not-yet.ts";
import type { Settings } from "../config/schema.ts";
import type { Hub } from "../core/hub.ts";
import { CommandFailed, exitCode } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import { createLog } from "./log.ts";
import type { End } from "./main.ts";
import { addSettings, sourcesOf } from "./options.ts";
import { devLines, readyLine } from "./ready.ts";

export function addServe(program: Command, host: Host, end: End): void {
  const command = addSettings(program.command("serve").description("run the hub"));
  command.addHelpText(
    "after",
    `
Every setting is also an environment variable (PROGRESS_HUB_PORT) and a key of the file of --config (port).

Examples:
  progress-hub serve --dev
  progress-hub serve --jwt-secret "$(openssl rand -hex 32)" --ingest-token "$(openssl rand -hex 32)"
  progress-hub serve --config hub.json --port 9000`,
  );
  command.action(async () => end(await serve(host, sourcesOf(command, host))));
}

/** Runs until the first SIGINT or SIGTERM, then drains; a second one ends the process at once. */
async function serve(host: Host, sources: SettingSources): Promise<number> {
  const loaded = loadSettings(sources);
  const lines = notYet(loaded, availableParallelism());
  const settings: Settings = { ...loaded.settings, workers: 0 };
  const log = createLog(settings, host.stderr);
  for (const warning of loaded.warnings) log.warn(warning);
  for (const { level, line } of lines) log[level](line);

  const stop = stopSignals(host, log);
  try {
    const hub = await start(settings, log);
    const announced = [readyLine(hub, process.pid, settings.workers === "auto" ? 0 : settings.workers)];
    if (settings.dev) announced.push(...devLines(settings, hub, host.invocation));
    host.stdout.write(`${announced.join("\n")}\n`);
    await stop.stopped;
    log.info("draining");
    await hub.drain();
    await hub.close();
    return exitCode.done;
  } finally {
    stop.release();
  }
}

async function start(settings: Settings, log: Logger): Promise<Hub> {
  // Loaded here, so that `token` and `--help` need not wait for the whole server.
  const { startHub } = await import("../core/hub.ts");
  try {
    return await startHub({ settings, log });
  } catch (error) {
    throw listenFailure(error, settings) ?? lookupFailure(error, settings) ?? error;
  }
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

function stopSignals(host: Host, log: Logger): { readonly stopped: Promise<void>; release(): void } {
  let stopping = false;
  let resolveStopped = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    resolveStopped = resolve;
  });
  const onStop = (): void => {
    if (stopping) host.exit(exitCode.failed);
    stopping = true;
    resolveStopped();
  };
  const releases = [
    host.onSignal("SIGINT", onStop),
    host.onSignal("SIGTERM", onStop),
    host.onSignal("SIGHUP", () => {
      log.warn(
        "SIGHUP: gateways are not yet separate processes, nothing to restart; a later version brings that",
      );
    }),
  ];
  return { stopped, release: () => releases.forEach((release) => void release()) };
}
