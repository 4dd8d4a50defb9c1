import { parseMetrics } from "../../src/metrics/parse.ts";
import type { Connections, Reading } from "../../src/web/operations/reading.ts";

const NOBODY = { socketio: 0, websocket: 0, sse: 0, polling: 0 };
const NO_CONNECTIONS: Connections = { total: 0, byTransport: NOBODY, gateways: [], users: 0, byUser: [] };

/** A reading of a hub that tells these lines of metrics, without their prefix. */
export function readingAt(seconds: number, ...lines: readonly string[]): Reading {
  return {
    monotonicMs: seconds * 1_000,
    unixMs: 1_700_000_000_000 + seconds * 1_000,
    metrics: parseMetrics(lines.map((line) => `progress_hub_${line}\n`).join("")),
    connections: NO_CONNECTIONS,
    unready: null,
  };
}
