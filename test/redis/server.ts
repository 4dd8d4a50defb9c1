import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "redis";
import { freePort } from "../../bench/target/free-port.ts";
import { until } from "../../simulator/oracle/until.ts";
import type { Certificate } from "./certificate.ts";

// Real redis-servers on free ports of 127.0.0.1, with what befalls them.

const START_DEADLINE_MS = 10_000;
const STOP_DEADLINE_MS = 10_000;
const COMMAND_DEADLINE_MS = 3_000;
const MAX_OUTPUT = 4_000;

export interface RedisServerOptions {
  /** `none`: a restart begins empty. `always`: every write is on disk before it is answered (AOF). Default: none. */
  readonly persistence?: "none" | "always";
  /** Of the user `default`. */
  readonly password?: string;
  /** The port takes TLS alone. */
  readonly tls?: Certificate;
  /** Further lines of the configuration, as arguments: `["--maxmemory", "2mb"]`. */
  readonly args?: readonly string[];
  /** Runs as a sentinel: writes its configuration into the server's folder, and gives its path. */
  readonly sentinel?: (folder: string, port: number) => string;
}

export interface RedisServer {
  readonly port: number;
  /** For the setting `redis`, the password with it. */
  readonly url: string;
  /** One command over a connection of its own. */
  command(...args: readonly string[]): Promise<unknown>;
  /** SIGTERM, until it has ended. */
  stop(): Promise<void>;
  /** kill -9, until it has ended. */
  kill(): Promise<void>;
  /** SIGSTOP: the port accepts, nothing is answered. */
  hang(): void;
  /** SIGCONT. */
  wake(): void;
  /** After `stop` or `kill`: on the same port, `empty` without the data it may have kept. */
  start(options?: { readonly empty?: boolean }): Promise<void>;
}

const servers = new Set<() => void>();
process.once("exit", endAllServers);

/** For `afterEach`: kills every server that was started, and removes what it kept. */
export function endAllServers(): void {
  for (const end of servers) end();
  servers.clear();
}

export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "redis-"));
  const port = await freePort();
  const argv = argumentsOf(options, folder, port);
  let running: Running | null = null;

  const command = async (...args: readonly string[]) => {
    const client = createClient({
      RESP: 2,
      socket: {
        host: "127.0.0.1",
        port,
        reconnectStrategy: false,
        ...(options.tls && ({ tls: true, ca: options.tls.certificate } as const)),
      },
      ...(options.password !== undefined && { password: options.password }),
    }).on("error", () => {});
    const timer = setTimeout(() => client.destroy(), COMMAND_DEADLINE_MS);
    try {
      await client.connect();
      return await client.sendCommand<unknown>([...args]);
    } finally {
      clearTimeout(timer);
      if (client.isOpen) client.destroy();
    }
  };
  const start = async ({ empty = false } = {}) => {
    if (empty) for (const name of ["appendonlydir", "dump.rdb"]) removeFolder(join(folder, name));
    const started = run(argv);
    running = started;
    const isUp = async () => {
      if (started.child.exitCode !== null) throw new Error(`redis-server ended:\n${started.output()}`);
      return (await command("PING").catch(() => null)) === "PONG";
    };
    await until(isUp, "redis-server answers", START_DEADLINE_MS, started.output);
  };
  const end = async (signal: NodeJS.Signals) => {
    const ended = running;
    if (ended === null) return;
    ended.child.kill(signal);
    await until(() => ended.hasEnded(), `redis-server has ended by ${signal}`, STOP_DEADLINE_MS);
    running = null;
  };
  servers.add(() => {
    running?.child.kill("SIGKILL");
    running = null;
    removeFolder(folder);
  });
  await start();

  const scheme = options.tls === undefined ? "redis" : "rediss";
  const userinfo = options.password === undefined ? "" : `:${encodeURIComponent(options.password)}@`;
  return {
    port,
    url: `${scheme}://${userinfo}${options.tls === undefined ? "127.0.0.1" : "localhost"}:${port}`,
    command,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    hang: () => void running?.child.kill("SIGSTOP"),
    wake: () => void running?.child.kill("SIGCONT"),
    start,
  };
}

function argumentsOf(options: RedisServerOptions, folder: string, port: number): readonly string[] {
  if (options.sentinel !== undefined) return ["redis-server", options.sentinel(folder, port), "--sentinel"];
  const { tls, password, persistence = "none", args = [] } = options;
  return [
    "redis-server",
    ...["--bind", "127.0.0.1", "--dir", folder, "--save", "", "--maxmemory-policy", "noeviction"],
    // A busy test machine must not be taken for a reason to copy the data by disk.
    ...["--repl-diskless-sync-delay", "0"],
    ...(persistence === "always" ? ["--appendonly", "yes", "--appendfsync", "always"] : []),
    ...(password === undefined ? [] : ["--requirepass", password]),
    ...(tls === undefined
      ? ["--port", String(port)]
      : ["--port", "0", "--tls-port", String(port), "--tls-auth-clients", "no"].concat(
          ["--tls-cert-file", tls.certificatePath, "--tls-key-file", tls.keyPath],
          ["--tls-ca-cert-file", tls.certificatePath],
        )),
    ...args,
  ];
}

interface Running {
  readonly child: ChildProcess;
  output(): string;
  hasEnded(): boolean;
}

function run([program = "", ...argv]: readonly string[]): Running {
  const child = spawn(program, argv, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-MAX_OUTPUT);
    });
  }
  child.on("error", (error) => {
    output += String(error);
  });
  return {
    child,
    output: () => output,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
  };
}

function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true });
}
