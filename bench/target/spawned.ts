import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createRedactor } from "../../src/redact.ts";
import { startKeeper } from "./keeper.ts";
import { lastWords } from "./last-words.ts";
import type { Target } from "./target.ts";

const READY = /^progress-hub ready public=\S+?:(\d+) internal=(\S+) pid=(\d+) workers=(\d+)/;
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
/** Of what it wrote to stderr, for the one line that says why it did not come up. */
const KEPT_BYTES = 4_000;
/** More than connections need of ports: 28,000 of them are to be had to each. */
const DESTINATIONS = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"] as const;

const PROGRAMS = {
  hub: ["../../bin/progress-hub.js", "serve"],
  "plain-socketio": ["../baselines/plain-socketio.js"],
  "bare-relay": ["../baselines/bare-relay.js"],
} as const;

export interface SpawnOptions {
  readonly kind: keyof typeof PROGRAMS;
  /** Null: what it does by default. */
  readonly workers: number | null;
  /** Further flags of the hub. */
  readonly flags: readonly string[];
  /** Absent: its own. */
  readonly secrets?: Secrets;
}

type Secrets = Pick<Target, "jwtSecret" | "ingestToken">;

export function newSecrets(): Secrets {
  return { jwtSecret: randomBytes(32).toString("hex"), ingestToken: randomBytes(32).toString("hex") };
}

/** A URL of Redis may hold a password, and what a target was started with is shown. */
const redacted = createRedactor();

/** Starts it as a user would, with ports, secrets and a data folder of its own. Throws with what it said instead. */
export async function spawnTarget(options: SpawnOptions): Promise<Target> {
  const { kind, workers, flags, secrets = newSecrets() } = options;
  const [script, ...command] = PROGRAMS[kind];
  const { jwtSecret, ingestToken } = secrets;
  const folder = await mkdtemp(join(tmpdir(), "progress-hub-bench-"));
  const own = kind === "hub" ? ["--data-dir", join(folder, "data"), "--log-level", "warn"] : [];
  const told = [...(workers === null ? [] : ["--workers", String(workers)]), ...flags];
  const keeper = startKeeper();
  const child = spawn(
    process.execPath,
    [
      fileURLToPath(new URL(script, import.meta.url)),
      ...command,
      ...["--host", "0.0.0.0", "--port", "0", "--internal-port", "0"],
      ...["--jwt-secret", jwtSecret, "--ingest-token", ingestToken],
      ...own,
      ...told,
    ],
    // A group of its own: Ctrl-C of the terminal is for the coordinator, which ends it in its turn. Its folder for
    // sockets is in ours, since a hub that is killed leaves its own.
    { stdio: ["ignore", "pipe", "pipe"], detached: true, env: { ...process.env, TMPDIR: folder } },
  );
  if (child.pid !== undefined) keeper.keep({ group: child.pid, folder });
  const kill = (): void => killGroup(child);
  process.once("exit", kill);
  const said = lastWords([child.stderr], KEPT_BYTES);
  const ended = once(child, "exit").then(([code, signal]) => {
    process.off("exit", kill);
    return `the ${kind} ended (${String(signal ?? code)})${said() === "" ? "" : `: ${said()}`}`;
  });
  const remove = async (): Promise<void> => {
    // A primary that was killed leaves its core and gateways a moment to notice.
    kill();
    await rm(folder, { recursive: true, force: true });
    keeper.end();
  };
  try {
    const [, port = "", internalUrl = "", , workersSaid = ""] = await readyLine(child, ended);
    return {
      kind,
      publicUrls: DESTINATIONS.map((host) => `http://${host}:${port}`),
      internalUrl,
      jwtSecret,
      ingestToken,
      pid: child.pid ?? null,
      workers: Number(workersSaid),
      flags: told.map(redacted),
      ended,
      async stop() {
        const timer = setTimeout(kill, STOP_TIMEOUT_MS);
        child.kill("SIGTERM");
        await ended;
        clearTimeout(timer);
        await remove();
      },
    };
  } catch (error) {
    kill();
    await ended;
    await remove();
    throw error;
  }
}

async function readyLine(child: ChildProcess, ended: Promise<string>): Promise<RegExpExecArray> {
  const { stdout } = child;
  if (stdout === null) throw new Error("no stdout");
  const ready = new Promise<RegExpExecArray>((resolve) => {
    createInterface({ input: stdout }).on("line", (line) => {
      const match = READY.exec(line);
      if (match !== null) resolve(match);
    });
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("it did not come up in time")), START_TIMEOUT_MS);
  });
  try {
    return await Promise.race([ready, late, ended.then((reason) => Promise.reject(new Error(reason)))]);
  } finally {
    clearTimeout(timer);
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
