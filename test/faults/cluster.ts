import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import jsonwebtoken from "jsonwebtoken";
import { ProcessTree } from "../../bench/machine/process-tree.ts";
import { childrenOf, type HubProcessInfo } from "../../bench/machine/processes.ts";
import { connectionsTo } from "../../bench/machine/sockets.ts";
import { freePort } from "../../bench/target/free-port.ts";
import { until } from "../../simulator/oracle/until.ts";
import { processesMarked } from "./processes.ts";

// The built program as a user runs it, with its processes to look at and to do harm to.

export const program = fileURLToPath(new URL("../../dist/bin/progress-hub.js", import.meta.url));
export const JWT_SECRET = "faults-secret-that-is-long-enough-for-hs256";
export const INGEST_TOKEN = "faults-ingest-token-that-is-long-enough";
const READY = /^progress-hub ready public=(\S+) internal=(\S+) pid=(\d+) workers=(\d+)$/m;
const START_DEADLINE_MS = 20_000;
const MAX_LOG = 6_000;

export interface Cluster {
  readonly publicUrl: string;
  readonly internalUrl: string;
  /** As the ready line tells them. */
  readonly pid: number;
  readonly workers: number;
  readonly stderr: string;
  readonly stdout: string;
  /** Nobody reads its log any more. */
  closeStderr(): void;
  /** null: it runs. A signal's name where one ended it. */
  readonly exit: number | string | null;
  /** The core's, or null while there is none. With `--workers 0` there never is. */
  corePid(): number | null;
  gatewayPids(): readonly number[];
  /** A core that is not `old` and lives. */
  untilCorePid(old: number | null, deadlineMs: number): Promise<number>;
  /** Exactly so many gateways, none of them among `old`. */
  untilGateways(count: number, old: readonly number[], deadlineMs: number): Promise<readonly number[]>;
  /** Every process of this hub that lives, also those whose primary is gone. */
  processes(): readonly HubProcessInfo[];
  /** Milliseconds of CPU of all its processes, ended ones too as far as they were seen. */
  cpuMs(): number;
  /** Established client connections that a process holds, by the kernel's word. */
  connectionsOf(pid: number): number;
  /** Resolves once it has ended, with its exit code, or the name of the signal that ended it. */
  ended(deadlineMs: number): Promise<number | string>;
  /** SIGTERM, then `ended`. */
  stop(deadlineMs?: number): Promise<number | string>;
}

const clusters = new Set<() => void>();
const logs = new Map<string, () => string>();
const folders = new Set<string>();
process.once("exit", killAll);

/** What the hubs of this test wrote to stderr, the end of it. */
export function logsOfAll(): string {
  return [...logs].map(([mark, log]) => `--- stderr of the hub ${mark}\n${log().slice(-MAX_LOG)}`).join("\n");
}

/** For `afterEach`: whatever was started and still lives is killed, orphans too. */
export function killAll(): void {
  for (const kill of clusters) kill();
  clusters.clear();
  logs.clear();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
}

/** Starts `serve` with these flags, `--workers` among them, on 127.0.0.1, on free ports unless the flags name some; rejects with its stderr. */
export function startCluster(...flags: readonly string[]): Promise<Cluster> {
  return startProgram(program, flags);
}

/** The same of another copy of the built program. */
export async function startProgram(script: string, flags: readonly string[]): Promise<Cluster> {
  const state = flags.includes("--data-dir") ? [] : ["--data-dir", dataFolder()];
  const running = spawnServe(script, [...SERVE, ...state, ...flags]);
  const ready = await until(
    () => READY.exec(running.stdout()) ?? (running.exit() !== null && "ended"),
    "the ready line",
    START_DEADLINE_MS,
    running.stderr,
  );
  if (ready === "ended") throw new Error(`serve ended with ${running.exit()}:\n${running.stderr()}`);
  const [, publicUrl = "", internalUrl = "", pidText, workersText] = ready;
  const wanted = flags[flags.indexOf("--workers") + 1];
  if (workersText !== wanted) throw new Error(`serve runs with --workers ${workersText}, not ${wanted}`);
  const pid = Number(pidText);
  const tree = new ProcessTree([pid]);
  const of = (kind: HubProcessInfo["kind"]) =>
    childrenOf(pid)
      .filter((child) => child.kind === kind)
      .map((child) => child.pid);
  const ended = (deadlineMs: number) =>
    until(running.exitOrNull, "serve has ended", deadlineMs, running.stderr).then((exit) => exit.code);

  return {
    publicUrl,
    internalUrl,
    pid,
    workers: Number(workersText),
    get stderr() {
      return running.stderr();
    },
    get stdout() {
      return running.stdout();
    },
    get exit() {
      return running.exit();
    },
    closeStderr: () => void running.child.stderr?.destroy(),
    corePid: () => of("core")[0] ?? null,
    gatewayPids: () => of("gateway"),
    untilCorePid: (old, deadlineMs) =>
      until(
        () => of("core").find((core) => core !== old) ?? null,
        "another core",
        deadlineMs,
        running.stderr,
      ),
    untilGateways: (count, old, deadlineMs) =>
      until(
        () => {
          const pids = of("gateway");
          return pids.length === count && !pids.some((one) => old.includes(one)) ? pids : null;
        },
        `${count} gateways, none of ${old.join(", ")}`,
        deadlineMs,
        () => `there are ${of("gateway").join(", ")}\n${running.stderr()}`,
      ),
    processes: () => processesMarked(running.mark),
    cpuMs: () => tree.cpuUs() / 1_000,
    connectionsOf: (one) => connectionsTo(Number(new URL(publicUrl).port), one),
    ended,
    async stop(deadlineMs = 40_000) {
      running.child.kill("SIGTERM");
      return ended(deadlineMs);
    },
  };
}

const SECRETS = ["--jwt-secret", JWT_SECRET, "--ingest-token", INGEST_TOKEN] as const;
const PORTS = ["--host", "127.0.0.1", "--port", "0", "--internal-port", "0"] as const;
const SERVE = [...SECRETS, ...PORTS, "--log-level", "warn"] as const;

interface Running {
  readonly child: ChildProcess;
  /** In the environment of the process and all its children. */
  readonly mark: string;
  stdout(): string;
  stderr(): string;
  exit(): number | string | null;
  /** Wrapped, since an exit code of 0 is an answer too. */
  exitOrNull(): { readonly code: number | string } | null;
}

function spawnServe(script: string, flags: readonly string[]): Running {
  const { env, mark } = markedEnv();
  const child = spawn(process.execPath, ["--no-deprecation", script, "serve", ...flags], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  let exit: number | string | null = null;
  child.stdout.on("data", (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk);
  });
  logs.set(mark, () => stderr);
  child.on("exit", (code, signal) => {
    exit = code ?? signal;
  });
  return {
    child,
    mark,
    stdout: () => stdout,
    stderr: () => stderr,
    exit: () => exit,
    exitOrNull: () => (exit === null ? null : { code: exit }),
  };
}

/**
 * For one hub: a mark by which all its processes are found, and killed by `killAll`. Without settings: one in the
 * environment of whoever runs the tests must not change what they see.
 */
export function markedEnv(): { readonly env: NodeJS.ProcessEnv; readonly mark: string } {
  const id = randomUUID();
  const mark = `FAULTS_MARK=${id}`;
  clusters.add(() => {
    for (const { pid } of processesMarked(mark)) process.kill(pid, "SIGKILL");
  });
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("PROGRESS_HUB_"));
  return { env: { ...Object.fromEntries(own), FAULTS_MARK: id }, mark };
}

/** A folder for the state of a hub, or of several that follow one another; removed by `killAll`. */
export function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "progress-hub-test-"));
  folders.add(folder);
  return folder;
}

/** Two ports that are free now, for a hub that is to come back on the same. */
export async function freePorts(): Promise<readonly string[]> {
  const ports = await Promise.all([freePort(), freePort()]);
  return ["--port", String(ports[0]), "--internal-port", String(ports[1])];
}

const tokens = new Map<string, string>();

/** A valid token of the user; made once, since a thousand clients ask for theirs. */
export function tokenFor(userId: string): string {
  const token = tokens.get(userId) ?? jsonwebtoken.sign({}, JWT_SECRET, { subject: userId, expiresIn: "2h" });
  tokens.set(userId, token);
  return token;
}
