import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A `serve --dev` of its own, in a child process. */
export interface DevHub {
  readonly publicUrl: string;
  readonly internalUrl: string;
  readonly token: string;
  readonly ingestToken: string;
  /** Lines that `serve --dev` printed after the first two. */
  readonly commands: readonly string[];
  /** Resolves when the child has ended by itself. */
  readonly ended: Promise<string>;
  /** Drains the child, and kills it where that takes too long. */
  stop(): Promise<void>;
}

const READY = /^progress-hub ready public=(\S+) internal=(\S+) /;
const TOKENS = /^dev token=(\S+) ingest-token=(\S+) /;
const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 4_000;
/** The last line that `serve --dev` prints to paste is the one with this command. */
const LAST_COMMAND = / simulate --/;

/** Starts it on free ports; throws when it does not come up, with what it said. */
export async function startDevHub(): Promise<DevHub> {
  const program = fileURLToPath(new URL("../bin/progress-hub.js", import.meta.url));
  const ports = ["--port", "0", "--internal-port", "0"];
  const child = spawn(process.execPath, [program, "serve", "--dev", ...ports, "--log-level", "warn"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  // Whatever ends this process must not leave the other behind.
  const killChild = (): void => void child.kill("SIGKILL");
  process.once("exit", killChild);
  const ended = once(child, "exit").then(([code, signal]) => {
    process.off("exit", killChild);
    return `the hub ended (${String(signal ?? code)})`;
  });
  const lines = await firstLines(child, ended);
  const [, publicUrl = "", internalUrl = ""] = READY.exec(lines[0] ?? "") ?? [];
  const [, token = "", ingestToken = ""] = TOKENS.exec(lines[1] ?? "") ?? [];
  return {
    publicUrl,
    internalUrl,
    token,
    ingestToken,
    commands: lines.slice(2),
    ended,
    stop: () => stop(child, ended),
  };
}

async function firstLines(child: ChildProcess, ended: Promise<string>): Promise<readonly string[]> {
  const { stdout } = child;
  if (stdout === null) throw new Error("the hub has no stdout");
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), START_TIMEOUT_MS);
  const lines: string[] = [];
  const read = async (): Promise<boolean> => {
    for await (const line of createInterface({ input: stdout, signal: timeout.signal })) {
      lines.push(line);
      if (LAST_COMMAND.test(line)) return true;
    }
    return false;
  };
  try {
    if (await read()) return lines;
    throw new Error(timeout.signal.aborted ? "the hub did not come up in time" : await ended);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  } finally {
    clearTimeout(timer);
    // Nobody reads on; a full pipe must not stop the hub.
    stdout.resume();
  }
}

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  child.kill("SIGTERM");
  await ended;
  clearTimeout(timer);
}
