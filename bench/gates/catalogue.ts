import { TRANSPORTS, type Transport } from "../transports.ts";
import { BASELINES } from "../vs/baselines.ts";
import type { MetricType } from "./threshold.ts";

// What each scenario measures. A metric that is not here can't be gated, and a report shows its bare name.

export interface KnownMetric {
  readonly type: MetricType;
  /** For people: `Socket.IO`, `lost messages`. */
  readonly title: string;
  /** It holds on any machine, however busy. What is a time or the machine's cost does not. */
  readonly correctness: boolean;
  /** Null: neither way is better in itself. */
  readonly better: "lower" | "higher" | null;
}

/** By scenario, then by the metric's name without the scenario's. */
export type Catalogue = ReadonlyMap<string, ReadonlyMap<string, KnownMetric>>;

type Table = Readonly<Record<string, KnownMetric>>;

export const TRANSPORT_TITLES: Readonly<Record<Transport, string>> = {
  socketio: "Socket.IO",
  websocket: "WebSocket",
  sse: "SSE",
};

const time = (title: string): KnownMetric => ({ type: "trend", title, correctness: false, better: "lower" });
const cost = (title: string, better: "lower" | "higher" | null = "lower"): KnownMetric => ({
  type: "gauge",
  title,
  correctness: false,
  better,
});
/** How often something happened that must not. */
const never = (title: string): KnownMetric => ({
  type: "counter",
  title,
  correctness: true,
  better: "lower",
});
/** How often something happened that better did not, and does where a machine is busy. */
const seldom = (title: string): KnownMetric => ({
  type: "counter",
  title,
  correctness: false,
  better: "lower",
});
/** Of how many something holds that must hold of all. */
const all = (title: string): KnownMetric => ({ type: "rate", title, correctness: true, better: "higher" });

function eachTransport(of: (title: string) => KnownMetric, prefix = ""): Table {
  return Object.fromEntries(TRANSPORTS.map((name) => [`${prefix}${name}`, of(TRANSPORT_TITLES[name])]));
}

/** What is known of messages on their way to a crowd of clients, whatever else a scenario does to them. */
const DELIVERY: Table = {
  ...eachTransport(time),
  trailing: time("held-back messages"),
  endings: time("endings of photos"),
  worst_client_p99: cost("worst client's p99"),
  lost: never("lost messages"),
  merged: seldom("events that a newer one replaced"),
  foreign: never("foreign messages"),
  disordered: never("disordered messages"),
  duplicate: never("duplicate messages"),
  closes: never("unexpected closes"),
  canaries: cost("stock clients, away from ours"),
  rate_reached: { type: "rate", title: "emitted of what was due", correctness: false, better: "higher" },
  cpu_per_event: cost("CPU per event"),
  cpu_per_message: cost("CPU per message"),
};

const REFUSALS = seldom("attempts to come back that failed");

const OTHERS: Table = { others: time("other clients") };

/** What it costs to be connected. */
const HELD: Table = {
  pss_per_connection_idle: cost("memory per connection, idle"),
  idle_cpu_per_connection: cost("CPU per connection, idle"),
};

/** Of the hub's figure to that of a baseline, under the baseline's name. */
const RATIOS: Table = {
  cpu_per_event: cost("CPU per event"),
  cpu_per_message: cost("CPU per message"),
  pss_per_connection_idle: cost("memory a connection, idle"),
  pss_per_connection_after: cost("memory a connection, after"),
  p50: cost("p50"),
  p99: cost("p99"),
};

const SCENARIOS: Readonly<Record<string, Table>> = {
  connect: {
    established: all("established connections"),
    kernel: {
      type: "gauge",
      title: "our count less the kernel's",
      correctness: true,
      better: null,
    },
    errors: never("connect errors"),
    closes: never("unexpected closes"),
    connect_time: time("time to connect"),
    kernel_memory: cost("the kernel's memory per connection"),
    ...HELD,
  },
  latency: DELIVERY,
  "user-rate": DELIVERY,
  realistic: {
    ...DELIVERY,
    conflation_ratio: cost("events per message", null),
    endings_lost: never("lost endings"),
    untrue: never("final views that are not the truth"),
  },
  ladder: { ...DELIVERY, knee: cost("events/s at the knee", "higher") },
  ingest: {
    batches: time("answer to a batch"),
    singles: time("answer to one event"),
    polls: time("answer to a poll"),
    rate_batches: cost("events/s in batches", "higher"),
    rate_singles: cost("events/s one by one", "higher"),
    rate_polls: cost("polls/s", "higher"),
    cpu_batches: cost("CPU per event in batches"),
    cpu_singles: cost("CPU per event one by one"),
    cpu_polls: cost("CPU per poll"),
    non2xx: never("answers other than 2xx"),
    errors: never("requests without a proper answer"),
    unapplied: never("events not applied"),
  },
  storm: {
    ...DELIVERY,
    ...OTHERS,
    back: all("clients back"),
    back_time: time("time to connect again"),
    refusals: REFUSALS,
    all_back: cost("time until all were back"),
  },
  slow: {
    ...DELIVERY,
    ...OTHERS,
    hub_memory: cost("growth of the hub's memory"),
    converged: all("slow clients that converged"),
    // Not for any machine: one that can't send what is due fills nobody's buffers.
    holds: { type: "counter", title: "times a slow client was held", correctness: false, better: null },
    slow_closes: never("slow clients closed"),
    conflated: {
      type: "counter",
      title: "states that a newer one replaced",
      correctness: false,
      better: null,
    },
    link_missed: seldom("messages that a gateway read for itself"),
  },
  restart: {
    ...DELIVERY,
    ...OTHERS,
    core_disconnects: never("disconnects by the core's death"),
    // Of a process that dies with connections that it has not taken yet.
    refusals: REFUSALS,
  },
  "scale-out": {
    ...DELIVERY,
    strays: never("messages to a hub without the user"),
    publications: { type: "counter", title: "messages by way of Redis", correctness: true, better: null },
  },
  cost: { ...DELIVERY, ...HELD, pss_per_connection_after: cost("memory per connection, after traffic") },
  k6: {
    socketio: time("Socket.IO"),
    websocket: time("WebSocket"),
    polling: time("long polling"),
    our_socketio: time("Socket.IO, our clients"),
    our_websocket: time("WebSocket, our clients"),
    lag: time("k6's own lag"),
    agreement: cost("k6, away from ours"),
    messages: { type: "counter", title: "messages", correctness: false, better: null },
    missed: seldom("events that k6's sockets were not shown"),
    errors: never("errors that k6 met"),
    closes: never("unexpected closes"),
  },
  // No scenario: what `bench --vs` says of some.
  vs: Object.fromEntries(
    BASELINES.flatMap((baseline) =>
      Object.entries(RATIOS).map(([name, known]) => [`${baseline}.${name}`, known]),
    ),
  ),
};

export const CATALOGUE: Catalogue = new Map(
  Object.entries(SCENARIOS).map(([id, table]) => [id, new Map(Object.entries(table))]),
);
