/** What k6 can be a client of: its core has no SSE. */
export const K6_TRANSPORTS = ["socketio", "websocket", "polling"] as const;
export type K6Transport = (typeof K6_TRANSPORTS)[number];

/**
 * What a run of k6 does. It reaches the script as a JSON file named by the environment variable of `PLAN_VARIABLE`. Times
 * are of the wall clock, in Unix milliseconds: k6 has no monotonic one.
 */
export interface K6Plan {
  readonly publicUrl: string;
  /** A JSON array of JWTs, an absolute path. Connection k, counted over all transports, has token k modulo their number. */
  readonly tokensPath: string;
  /** Where k6 leaves its summary, an absolute path. */
  readonly summaryPath: string;
  /** How many of each; 0: none. */
  readonly connections: Readonly<Record<K6Transport, number>>;
  /** Virtual users cost megabytes each, sockets tens of kilobytes. */
  readonly connectionsPerVu: number;
  /** How fast all of them together come. */
  readonly connectionsPerSecond: number;
  /** `bytesTransferred` of an `upload_progress` is the microsecond after this at which its event was due. */
  readonly originUnixMs: number;
  /** Messages of events that were due earlier than this after the origin are no samples. */
  readonly warmUpMs: number;
  /** Connections are held until then. */
  readonly endUnixMs: number;
  /** By k6's metric, in k6's grammar: `{socketio: ["p(99)<100"]}`. */
  readonly thresholds: Readonly<Record<string, readonly string[]>>;
}

export const PLAN_VARIABLE = "PROGRESS_HUB_K6_PLAN";

/** A VU has told that all its connections are synced: this, the transport and their number, on a line. */
export const READY_MARK = "progress-hub-ready";

/** How many virtual users hold the connections of a transport. */
export function vusOf(plan: K6Plan, transport: K6Transport): number {
  return Math.ceil(plan.connections[transport] / plan.connectionsPerVu);
}

/** Place of the transport's first connection among all. */
export function firstOf(plan: K6Plan, transport: K6Transport): number {
  const before = K6_TRANSPORTS.slice(0, K6_TRANSPORTS.indexOf(transport));
  return before.reduce((sum, other) => sum + plan.connections[other], 0);
}
