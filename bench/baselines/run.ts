import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

/** What both baselines are started with; `bare-relay` has no use for the secrets and for workers. */
export interface BaselineOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly internalHost: string;
  readonly internalPort: number;
  readonly jwtSecret: string;
  readonly ingestToken: string;
  /** 0: one process for everything. */
  readonly workers: number;
}

export interface Baseline {
  readonly publicUrl: string;
  readonly internalUrl: string;
  readonly workers: number;
  /** Resolves when no process but this one is left. */
  end(): Promise<void>;
}

const MAX_PORT = 65_535;
const MAX_WORKERS = 64;

/** Throws a TypeError that names a flag that is unknown or makes no sense. */
export function optionsOf(argv: readonly string[]): BaselineOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "8080" },
      "internal-host": { type: "string", default: "127.0.0.1" },
      "internal-port": { type: "string", default: "8081" },
      "jwt-secret": { type: "string", default: "" },
      "ingest-token": { type: "string", default: "" },
      workers: { type: "string", default: String(Math.max(1, availableParallelism() - 1)) },
    },
  });
  return {
    host: values.host,
    port: integer("port", values.port, MAX_PORT),
    internalHost: values["internal-host"],
    internalPort: integer("internal-port", values["internal-port"], MAX_PORT),
    jwtSecret: values["jwt-secret"],
    ingestToken: values["ingest-token"],
    workers: integer("workers", values.workers, MAX_WORKERS),
  };
}

/**
 * Starts it, prints the line that `serve` prints, and ends with 0 at the first SIGTERM or SIGINT. The line is written
 * here and not taken from the hub: what that imports would be in the baseline's memory.
 */
export async function runBaseline(
  options: BaselineOptions,
  start: (options: BaselineOptions) => Promise<Baseline>,
): Promise<void> {
  let baseline: Baseline | null = null;
  let isAsked = false;
  const end = async (): Promise<void> => {
    isAsked = true;
    await baseline?.end();
    // Connections are not drained: who measures has let go of them.
    if (baseline !== null) process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void end());
  baseline = await start(options);
  if (isAsked) return end();
  const { publicUrl, internalUrl, workers } = baseline;
  process.stdout.write(
    `progress-hub ready public=${publicUrl} internal=${internalUrl} pid=${process.pid} workers=${workers}\n`,
  );
}

/** Tells what is wrong in one line, as `serve` does: 2 for wrong usage, 1 for anything else. */
export function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof TypeError ? 2 : 1);
}

function integer(flag: string, text: string, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= max) return value;
  throw new TypeError(`--${flag} must be an integer from 0 to ${max}, not ${text}`);
}
