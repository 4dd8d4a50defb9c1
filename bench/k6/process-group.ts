import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Lines of output that are kept to say why it failed. */
const KEPT_LINES = 20;

export interface GroupOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Each line of stdout and stderr. */
  readonly onLine: (line: string) => void;
}

/**
 * Runs a command in a process group of its own, all of which is killed when time is up, when it is aborted, and when this
 * process ends. Resolves with its exit code and the last lines that it wrote. Rejects when it was killed.
 */
export async function runInGroup(options: GroupOptions): Promise<{ exitCode: number; output: string }> {
  options.signal.throwIfAborted();
  const { command, args, env, timeoutMs, onLine } = options;
  const child = spawn(command, args, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const kill = () => killGroup(child.pid);
  const stop = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)]);
  stop.addEventListener("abort", kill, { once: true });
  process.once("exit", kill);
  const kept: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on("line", (line) => {
      kept.push(line);
      if (kept.length > KEPT_LINES) kept.shift();
      onLine(line);
    });
  }
  try {
    // With `close` all output has been read; `error` (it could not be started) rejects.
    const [exitCode, killedBy]: unknown[] = await once(child, "close");
    const output = kept.join("\n");
    if (options.signal.aborted) throw new Error("stopped");
    if (stop.aborted)
      throw new Error(`${command} had not ended after ${timeoutMs} ms and was killed\n${output}`);
    if (typeof exitCode !== "number") throw new Error(`${command} was ended by ${killedBy}\n${output}`);
    return { exitCode, output };
  } finally {
    stop.removeEventListener("abort", kill);
    process.off("exit", kill);
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Gone, with all of its children.
  }
}
