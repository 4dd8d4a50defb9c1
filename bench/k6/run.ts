import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../src/message-of.ts";
import { findK6 } from "./find.ts";
import { K6_TRANSPORTS, type K6Plan, type K6Transport, PLAN_VARIABLE, READY_MARK } from "./plan.ts";
import { runInGroup } from "./process-group.ts";
import { type K6Summary, parseK6Summary } from "./summary.ts";
import { k6Thresholds } from "./thresholds.ts";

const CONNECTIONS_PER_VU = 200;
const CONNECTIONS_PER_SECOND = 1_000;
/** Starting, closing what it holds, and adding up. */
const GRACE_MS = 30_000;
/** k6's `errext/exitcodes`. */
const EXIT_DONE = 0;
const EXIT_THRESHOLDS = 99;

export interface K6Options {
  readonly publicUrl: string;
  /** JWTs; connection k has the one at k modulo their number. */
  readonly tokens: readonly string[];
  /** How many of each; left out: none. */
  readonly connections: Readonly<Partial<Record<K6Transport, number>>>;
  /**
   * Due times count from here, by the wall clock: `bytesTransferred` of an event is the microsecond after it at which the
   * event was due. Events should begin after `onReady`: what a client finds when it connects is no sample.
   */
  readonly originUnixMs: number;
  /** After the origin: what was due before is no sample. 0: all are. */
  readonly warmUpMs: number;
  /** After the origin, how long connections are held. An event that is due shortly before may be missed. */
  readonly durationMs: number;
  /** Entries of gates.json for scenario `k6`; see `k6Thresholds`. */
  readonly thresholds: Readonly<Record<string, readonly string[]>>;
  /** Ends k6 at once. */
  readonly signal: AbortSignal;
  /** All connections are synced. */
  readonly onReady?: () => void;
  /** Left out: looked for. */
  readonly k6Path?: string;
  /** Default 200. */
  readonly connectionsPerVu?: number;
  /** Default 1,000. */
  readonly connectionsPerSecond?: number;
  /** Left out: the script beside this file, compiled or not. */
  readonly scriptPath?: string;
}

export type K6Result =
  /** There is none: see `howToInstallK6` of find.ts. */
  | { readonly status: "absent" }
  | { readonly status: "failed"; readonly reason: string }
  | ({
      readonly status: "done";
      readonly version: string;
      /** 0, or 99: a threshold was crossed. */
      readonly exitCode: typeof EXIT_DONE | typeof EXIT_THRESHOLDS;
    } & K6Summary);

/** Runs k6 against a hub, for as long as the options say and 30 s at the most beyond. Sends nobody a usage report. */
export async function runK6(options: K6Options): Promise<K6Result> {
  const k6 = findK6(options.k6Path);
  if (k6 === null) return { status: "absent" };
  const folder = await mkdtemp(join(tmpdir(), "progress-hub-k6-"));
  try {
    const plan = planOf(options, folder);
    const planPath = join(folder, "plan.json");
    await writeFile(plan.tokensPath, JSON.stringify(options.tokens), { mode: 0o600 });
    await writeFile(planPath, JSON.stringify(plan));
    const { exitCode, output } = await runInGroup({
      command: k6.path,
      args: ["run", "--quiet", "--no-color", "--address", "", "--log-format", "raw", scriptOf(options)],
      env: { ...process.env, [PLAN_VARIABLE]: planPath, K6_NO_USAGE_REPORT: "true" },
      timeoutMs: Math.max(0, plan.endUnixMs - Date.now()) + GRACE_MS,
      signal: options.signal,
      onLine: readyLines(plan, options.onReady),
    });
    if (exitCode !== EXIT_DONE && exitCode !== EXIT_THRESHOLDS) {
      return { status: "failed", reason: `k6 ended with ${exitCode}: ${output}` };
    }
    const summary = parseK6Summary(await readFile(plan.summaryPath, "utf8"));
    return { status: "done", version: k6.version, exitCode, ...summary };
  } catch (error) {
    return { status: "failed", reason: messageOf(error) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function planOf(options: K6Options, folder: string): K6Plan {
  const { socketio = 0, websocket = 0, polling = 0 } = options.connections;
  return {
    publicUrl: options.publicUrl,
    tokensPath: join(folder, "tokens.json"),
    summaryPath: join(folder, "summary.json"),
    connections: { socketio, websocket, polling },
    connectionsPerVu: options.connectionsPerVu ?? CONNECTIONS_PER_VU,
    connectionsPerSecond: options.connectionsPerSecond ?? CONNECTIONS_PER_SECOND,
    originUnixMs: options.originUnixMs,
    warmUpMs: options.warmUpMs,
    // A poll waits until then, in whole milliseconds.
    endUnixMs: Math.ceil(options.originUnixMs + options.durationMs),
    thresholds: k6Thresholds(options.thresholds),
  };
}

/** k6 takes both: what `tsc` made, and TypeScript as it is. */
function scriptOf({ scriptPath }: K6Options): string {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return scriptPath ?? fileURLToPath(new URL(`script.${extension}`, import.meta.url));
}

function readyLines(plan: K6Plan, onReady: (() => void) | undefined): (line: string) => void {
  const pattern = new RegExp(`^${READY_MARK} \\w+ (\\d+)$`);
  let missing = K6_TRANSPORTS.reduce((sum, transport) => sum + plan.connections[transport], 0);
  return (line) => {
    const count = Number(pattern.exec(line)?.[1] ?? 0);
    missing -= count;
    if (count > 0 && missing === 0) onReady?.();
  };
}
