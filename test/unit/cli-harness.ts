import { PassThrough } from "node:stream";
import type { Host, StopSignal } from "../../src/cli/host.ts";
import { run } from "../../src/cli/main.ts";

/** A command that runs inside the test: what it wrote so far, how it ended, and a way to send it signals. */
export interface Running {
  readonly code: Promise<number>;
  /** Codes that it ended the process with at once. */
  readonly exits: readonly number[];
  out(): string;
  err(): string;
  signal(name: StopSignal): void;
  /** Resolves when stdout matches; rejects after five seconds, with what was written. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
}

const DEADLINE_MS = 5_000;

export function start(argv: readonly string[], env: Record<string, string> = {}): Running {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const text = { out: "", err: "" };
  stdout.on("data", (chunk) => {
    text.out += String(chunk);
  });
  stderr.on("data", (chunk) => {
    text.err += String(chunk);
  });
  const handlers = new Map<StopSignal, Set<() => void>>();
  const exits: number[] = [];
  const host: Host = {
    argv,
    env,
    cwd: process.cwd(),
    stdout,
    stderr,
    invocation: "progress-hub",
    exit: (code) => exits.push(code),
    onSignal: (name, handler) => {
      const all = handlers.get(name) ?? new Set();
      handlers.set(name, all.add(handler));
      return () => all.delete(handler);
    },
  };
  return {
    code: run(host),
    exits,
    out: () => text.out,
    err: () => text.err,
    signal: (name) => {
      for (const handler of handlers.get(name) ?? []) handler();
    },
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const match = pattern.exec(text.out);
          if (match === null) return;
          clearTimeout(timer);
          stdout.off("data", check);
          resolve(match);
        };
        const timer = setTimeout(() => {
          reject(new Error(`no ${pattern} within ${DEADLINE_MS} ms\n${text.out}\n${text.err}`));
        }, DEADLINE_MS);
        stdout.on("data", check);
        check();
      }),
  };
}

/** Runs a command to its end. */
export async function command(
  argv: readonly string[],
  env: Record<string, string> = {},
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const running = start(argv, env);
  const code = await running.code;
  return { code, out: running.out(), err: running.err() };
}
