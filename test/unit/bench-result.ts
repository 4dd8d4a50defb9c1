import type { Histogram } from "hdr-histogram-js";
import { CATALOGUE } from "../../bench/gates/catalogue.ts";
import { judge } from "../../bench/gates/judge.ts";
import { parseGates } from "../../bench/gates/parse.ts";
import { counter, gauge, type Metric, newHistogram, rate, summaryOf, trend } from "../../bench/metric.ts";
import type { BenchResult, ScenarioResult } from "../../bench/result.ts";

// A result such as a run leaves behind, made the same each time: random, but of a generator with a seed.

type Random = () => number;

export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** Times as they come: most near the median, few far from it. `tail` is how far. */
export function times(medianMs: number, count: number, random: Random, tail = 0.55): Histogram {
  const histogram = newHistogram();
  for (let index = 0; index < count; index += 1) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    histogram.recordValue(Math.max(1, Math.round(medianMs * 1_000 * Math.exp(normal * tail))));
  }
  return histogram;
}

export interface ScenarioParts {
  readonly id: string;
  readonly variant?: string | null;
  readonly title?: string;
  readonly metrics: Readonly<Record<string, Metric>>;
  /** As in gates.json, without the scenario's id. */
  readonly gates?: Readonly<Record<string, readonly string[]>>;
  readonly conclusive?: boolean;
  readonly more?: Partial<ScenarioResult>;
}

export function scenarioOf(parts: ScenarioParts): ScenarioResult {
  const { id, variant = null, title = id, metrics, gates = {}, conclusive = true, more = {} } = parts;
  const keyed = Object.fromEntries(Object.entries(gates).map(([name, texts]) => [`${id}.${name}`, texts]));
  const verdicts = judge(id, new Map(Object.entries(metrics)), parseGates(JSON.stringify(keyed), CATALOGUE), {
    conclusive,
  });
  const failed = verdicts.some(({ outcome }) => outcome === "failed");
  return {
    id,
    variant,
    title,
    outcome: failed ? "failed" : conclusive ? "passed" : "inconclusive",
    reasons: [],
    durationMs: 60_000,
    phases: [],
    load: { connections: {}, eventsPerSecond: null },
    metrics: Object.fromEntries(Object.entries(metrics).map(([name, metric]) => [name, summaryOf(metric)])),
    gates: verdicts,
    series: [],
    stages: [],
    notes: [],
    ...more,
  };
}

export function resultOf(scenarios: readonly ScenarioResult[], more: Partial<BenchResult> = {}): BenchResult {
  const has = (outcome: string) => scenarios.some((scenario) => scenario.outcome === outcome);
  return {
    version: 1,
    command: "npx progress-hub bench --profile ci",
    startedAt: "2026-11-23T10:00:00.000Z",
    durationMs: scenarios.reduce((sum, { durationMs }) => sum + durationMs, 0),
    outcome: has("failed") ? "failed" : has("inconclusive") ? "inconclusive" : "passed",
    machine: {
      cpu: "AMD EPYC 7B13",
      cores: 2,
      memoryBytes: 24 * 2 ** 30,
      kernel: "Linux 6.1.0-18-cloud-amd64",
      node: "v20.19.4",
    },
    hub: { version: "0.1.0", commit: "11e5e5d0c2f94a7788aa" },
    target: { kind: "hub", workers: 1, flags: ["--durability", "commit"] },
    profile: "ci",
    scenarios: [...scenarios],
    ...more,
  };
}

const MIX = { socketio: 5_000, websocket: 2_500, sse: 2_500 };
const NOTHING = ["lost", "foreign", "disordered", "duplicate", "closes"];
const DELIVERED = {
  socketio: ["p(99)<100"],
  websocket: ["p(99)<100"],
  sse: ["p(99)<100"],
  trailing: ["p(99)<100"],
  ...Object.fromEntries(NOTHING.map((name) => [name, ["count==0"]])),
  canaries: ["value<=5"],
};

export interface Delivered {
  /** Median in milliseconds. */
  readonly medianMs?: number;
  readonly sseMs?: number;
  readonly lost?: number;
  readonly seed?: number;
}

export function delivered({
  medianMs = 3,
  sseMs = medianMs,
  lost = 0,
  seed = 1,
}: Delivered = {}): Record<string, Metric> {
  const random = seeded(seed);
  return {
    socketio: trend(times(medianMs, 20_000, random)),
    websocket: trend(times(medianMs * 0.8, 10_000, random)),
    sse: trend(times(sseMs, 10_000, random, 0.7)),
    trailing: trend(times(52 + medianMs, 1_500, random, 0.12)),
    worst_client_p99: gauge(medianMs * 9.1, "ms"),
    ...Object.fromEntries(NOTHING.map((name) => [name, counter(name === "lost" ? lost : 0)])),
    canaries: gauge(1.32, "ms"),
    rate_reached: rate(599_998, 600_000),
    kernel_socket_memory: gauge(4.2, "KiB"),
  };
}

/** Over a scenario of 90 s, a point a second: connects for 10, warms up for 10, measures for 60, drains. */
function seriesOf(random: Random, p99Ms: number, eventsPerSecond: number): ScenarioResult["series"] {
  const seconds = Array.from({ length: 90 }, (_, second) => second);
  const noisy = (of: (second: number) => number, share = 0.12): [number, number][] =>
    seconds.map((second) => [second, Math.max(0, of(second) * (1 + (random() - 0.5) * share))]);
  const busy = (second: number) => second >= 10 && second < 80;
  const ramp = (second: number) => Math.min(1, second / 10) * (second >= 86 ? (90 - second) / 4 : 1);
  const spike = (second: number) => (second === 47 ? 4 : second === 48 ? 2.2 : 1);
  return [
    {
      name: "latency p99",
      unit: "ms",
      points: noisy((s) => p99Ms * spike(s), 0.5).filter(([s]) => busy(s)),
    },
    {
      name: "latency p50",
      unit: "ms",
      points: noisy((s) => (p99Ms / 5) * Math.sqrt(spike(s)), 0.2).filter(([s]) => busy(s)),
    },
    { name: "connections", unit: "", points: noisy((s) => 10_000 * ramp(s), 0) },
    { name: "messages/s", unit: "", points: noisy((s) => (busy(s) ? eventsPerSecond * 1.9 : 0), 0.06) },
    { name: "CPU hub", unit: "%", points: noisy((s) => (s < 10 ? 64 : busy(s) ? 78 : 6)) },
    { name: "CPU load", unit: "%", points: noisy((s) => (s < 10 ? 51 : busy(s) ? 62 : 5)) },
    { name: "CPU emitter", unit: "%", points: noisy((s) => (busy(s) ? 21 : 1)) },
    {
      name: "memory hub",
      unit: "MiB",
      points: noisy((s) => 88 + 122 * ramp(Math.min(s, 80)) + s * 0.25, 0.02),
    },
  ];
}

const PHASES = [
  { name: "connect", startMs: 0, endMs: 10_000 },
  { name: "warm-up", startMs: 10_000, endMs: 20_000 },
  { name: "measure", startMs: 20_000, endMs: 80_000 },
  { name: "drain", startMs: 80_000, endMs: 86_000 },
  { name: "teardown", startMs: 86_000, endMs: 90_000 },
];

const STAGES = [
  { stage: "ingest", count: 600_000, p50: 0.31, p99: 2.4 },
  { stage: "commit", count: 600_000, p50: 0.92, p99: 4.1 },
  { stage: "link", count: 600_000, p50: 0.22, p99: 1.2 },
  { stage: "conflation", count: 600_000, p50: 0.02, p99: 49.6 },
  { stage: "write", count: 1_140_000, p50: 0.41, p99: 3.3 },
];

function latencyScenario(eventsPerSecond: number, parts: Delivered): ScenarioResult {
  const random = seeded(eventsPerSecond);
  return scenarioOf({
    id: "latency",
    variant: `${eventsPerSecond.toLocaleString("en-US")} events/s`,
    title: "Events to random users, each of whom has photos under way on one device",
    metrics: delivered(parts),
    gates: DELIVERED,
    more: {
      durationMs: 90_000,
      phases: PHASES,
      load: { connections: MIX, eventsPerSecond },
      series: seriesOf(random, (parts.medianMs ?? 3) * 4, eventsPerSecond),
      stages: STAGES,
    },
  });
}

/** Two scenarios red, one that can't be told, one skipped, the others green. */
export function fullResult(): BenchResult {
  const random = seeded(7);
  const connect = scenarioOf({
    id: "connect",
    title: "Ramp to 10,000 connections at 1,000/s and hold them for 30 s, one user each",
    metrics: {
      established: rate(10_000, 10_000),
      kernel: gauge(0),
      errors: counter(0),
      closes: counter(0),
      connect_time: trend(times(2.1, 10_000, random)),
    },
    gates: { established: ["rate==1"], kernel: ["value==0"], errors: ["count==0"], closes: ["count==0"] },
    more: {
      durationMs: 44_000,
      load: { connections: MIX, eventsPerSecond: null },
      phases: [
        { name: "connect", startMs: 0, endMs: 10_000 },
        { name: "hold", startMs: 10_000, endMs: 40_000 },
        { name: "teardown", startMs: 40_000, endMs: 44_000 },
      ],
      series: seriesOf(random, 10, 0)
        .filter(({ name }) => /^(connections|CPU hub|memory)/.test(name))
        .map((series) => ({ ...series, points: series.points.filter(([second]) => second < 44) })),
    },
  });
  const storm = scenarioOf({
    id: "storm",
    title: "All connections cut at once without a close; all come back with the id they had last",
    metrics: {
      ...delivered({ seed: 3 }),
      back: rate(10_000, 10_000),
      back_time: trend(times(900, 10_000, random, 0.4)),
      others: trend(times(6, 5_000, random)),
    },
    gates: { back: ["rate==1"], others: ["p(99)<100"], lost: ["count==0"] },
    conclusive: false,
    more: {
      reasons: ["4.1 % of the CPU was stolen by the host, more than 2 %"],
      load: { connections: MIX, eventsPerSecond: 1_000 },
    },
  });
  const restart = scenarioOf({
    id: "restart",
    title: "The core and then a gateway killed with -9 under load, then a rolling restart",
    metrics: { ...delivered({ lost: 3, seed: 4 }), core_disconnects: counter(0) },
    gates: { core_disconnects: ["count==0"], lost: ["count==0"], others: ["p(99)<100"] },
    more: {
      load: { connections: { socketio: 1_000, websocket: 500, sse: 500 }, eventsPerSecond: 500 },
      notes: ["The lost messages are all of user-1741: see photo <b>photo-3</b> & its endings."],
    },
  });
  const cost = scenarioOf({
    id: "cost",
    title: "What an event, a message and a connection cost the machine",
    metrics: {
      cpu_per_event: gauge(28.4, "µs"),
      cpu_per_message: gauge(14.9, "µs"),
      pss_per_connection_idle: gauge(5.12, "KiB"),
      pss_per_connection_after: gauge(7.63, "KiB"),
      "pss_per_connection_after.socketio": gauge(8.41, "KiB"),
      "pss_per_connection_after.websocket": gauge(6.2, "KiB"),
      "pss_per_connection_after.sse": gauge(7.5, "KiB"),
      idle_cpu_per_connection: gauge(1.62, "µs/s"),
    },
    gates: { cpu_per_event: ["value<33"], pss_per_connection_after: ["value<9"] },
    more: { load: { connections: MIX, eventsPerSecond: 1_000 } },
  });
  const k6 = scenarioOf({
    id: "k6",
    title: "The same load by k6, which shares no code with this harness",
    metrics: {},
    more: { outcome: "skipped", durationMs: 0, reasons: ["k6 is not on the PATH: go install go.k6.io/k6"] },
  });
  return resultOf([
    connect,
    latencyScenario(1_000, { medianMs: 1.4, seed: 11 }),
    latencyScenario(10_000, { medianMs: 4.6, sseMs: 31, seed: 12 }),
    storm,
    restart,
    cost,
    k6,
  ]);
}
