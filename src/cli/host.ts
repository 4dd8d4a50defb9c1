import { basename, relative } from "node:path";

export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** Where a command writes. `columns` and `rows` only where it is a terminal. */
export interface Output extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Everything of the process that a command touches, so that tests run commands inside their own process. */
export interface Host {
  /** Arguments after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** How the user can start this program again, for commands to paste. */
  readonly invocation: string;
  /** Ends the process at once. */
  exit(code: number): void;
  /** Calls `handler` for each such signal instead of ending the process; gives the way to stop that. */
  onSignal(signal: StopSignal, handler: () => void): () => void;
}

export function processHost(): Host {
  return {
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    invocation: invocationOf(process.argv[1] ?? ""),
    exit: (code) => process.exit(code),
    onSignal: (signal, handler) => {
      process.on(signal, handler);
      return () => process.off(signal, handler);
    },
  };
}

function invocationOf(script: string): string {
  if (/\.[cm]?[jt]s$/.test(script)) return `node ${relative(process.cwd(), script)}`;
  return script.includes("node_modules") ? "npx progress-hub" : basename(script) || "progress-hub";
}
