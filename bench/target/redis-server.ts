import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { lastWords } from "./last-words.ts";

export const howToInstallRedis =
  "apt-get install -y --no-install-recommends redis-server, or name one that runs with --redis redis://HOST:PORT";

const HOST = "127.0.0.1";
const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 5_000;
const LOOK_EVERY_MS = 50;
/** Of what it wrote, for the one line that says why it did not come up. */
const KEPT_BYTES = 2_000;

export interface RedisServer {
  /** For the setting `redis`. */
  readonly url: string;
  readonly pid: number;
  /** Ends it, and leaves no file behind. */
  stop(): Promise<void>;
}

/** Starts the redis-server of PATH on a free port of loopback; it writes nothing to disk. Null: there is none on PATH. */
export async function startRedisServer(): Promise<RedisServer | null> {
  const folder = await mkdtemp(join(tmpdir(), "progress-hub-redis-"));
  const port = await freePort();
  const argv = ["--bind", HOST, "--port", String(port), "--dir", folder, "--save", "", "--appendonly", "no"];
  const child = spawn("redis-server", argv, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const said = lastWords([child.stdout, child.stderr], KEPT_BYTES);
  // `error`: it could not be started, and there is no `exit`.
  const ended = Promise.race([once(child, "exit"), once(child, "close")]).catch(() => undefined);
  const stop = async (): Promise<void> => {
    const timer = setTimeout(kill, STOP_TIMEOUT_MS);
    child.kill("SIGTERM");
    await ended;
    clearTimeout(timer);
    process.off("exit", kill);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await once(child, "spawn");
  } catch {
    process.off("exit", kill);
    await rm(folder, { recursive: true, force: true });
    return null;
  }
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      await stop();
      throw new Error(`redis-server did not come up: ${said()}`);
    }
    await wait(LOOK_EVERY_MS);
  }
  return { url: `redis://${HOST}:${port}`, pid: child.pid ?? 0, stop };
}

/** To the command PING, in RESP. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => socket.write("PING\r\n"));
    const settle = (isUp: boolean): void => {
      socket.destroy();
      resolve(isUp);
    };
    socket.once("data", (bytes: Buffer) => settle(bytes.toString("latin1").startsWith("+PONG")));
    socket.once("error", () => settle(false));
  });
}
