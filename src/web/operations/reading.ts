import type { Scrape } from "../../metrics/parse.ts";
import { type NumberName, PREFIX } from "../../metrics/table.ts";

export const TRANSPORTS = ["socketio", "websocket", "sse", "polling"] as const;
export type Transport = (typeof TRANSPORTS)[number];

export const TRANSPORT_NAMES: Readonly<Record<Transport, string>> = {
  socketio: "Socket.IO",
  websocket: "WebSocket",
  sse: "SSE",
  polling: "Polling",
};

export interface Count {
  readonly total: number;
  readonly byTransport: Readonly<Record<Transport, number>>;
}

/** What `GET /api/v1/admin/connections` answers. */
export interface Connections extends Count {
  readonly gateways: readonly (Count & { readonly name: string })[];
  /** How many users are connected. */
  readonly users: number;
  /** Those with most connections, most first. */
  readonly byUser: readonly (Count & { readonly userId: string })[];
}

/** What the hub says of itself at one time. */
export interface Reading {
  /** Of a clock that never jumps. */
  readonly monotonicMs: number;
  readonly unixMs: number;
  readonly metrics: Scrape;
  readonly connections: Connections;
  /** The code of `/readyz`, such as `draining`; null: it is ready. */
  readonly unready: string | null;
}

type Labels = Readonly<Record<string, string>>;

/** Each series of the metric, with its labels. */
export function seriesOf(
  metrics: Scrape,
  name: NumberName,
): readonly { readonly labels: Labels; readonly value: number }[] {
  return [...metrics.values()].filter((sample) => sample.name === `${PREFIX}${name}`);
}

/** null: the hub does not tell it. */
export function gaugeOf(metrics: Scrape, name: NumberName, labels: Labels = {}): number | null {
  const found = seriesOf(metrics, name).find((series) =>
    Object.entries(labels).every(([label, value]) => series.labels[label] === value),
  );
  return found?.value ?? null;
}
