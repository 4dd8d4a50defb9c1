import { awayMs } from "../agreement.ts";
import { countText } from "../count-text.ts";
import { findK6, howToInstallK6 } from "../k6/find.ts";
import type { K6Transport } from "../k6/plan.ts";
import { type K6Result, runK6 } from "../k6/run.ts";
import { userCount } from "../load/population.ts";
import { counter, gauge, type Metric, toldTrend, trend } from "../metric.ts";
import type { LoadOutcome } from "../running-load.ts";
import { dueInRoundUs, dueUs, eventCount, placesOf, type Steady, userIdOf } from "../schedule/steady.ts";
import type { ScheduledLoad, Stage } from "../stage.ts";
import { tokenFor } from "../token.ts";
import { type Bench, type Measured, type Scenario, Skipped } from "./scenario.ts";
import { measuredOf, usersFor } from "./steady-load.ts";

const MAX_CLIENTS = 2_000;
/** k6 compiles its script and starts its virtual users, on a machine that does other things too; then it connects. */
const START_MS = 6_000;
const CONNECT_MS_EACH = 4;
/** How long it stays after the last event. */
const TAIL_MS = 2_000;
const US_PER_MS = 1_000;

/** Transports of which both have clients, so that the two can be held against each other. */
const COMMON = ["socketio", "websocket"] as const;

type Done = Extract<K6Result, { status: "done" }>;
type Connections = Readonly<Record<K6Transport, number>>;

/**
 * k6 follows the first users as a second device of theirs, while our clients do, and judges what it saw by itself.
 * Polling has a gate of its own, 50 ms wider: what comes while an answer is under way waits for the next request.
 */
export const k6: Scenario = {
  id: "k6",
  about: "k6 as another witness: its own clients, its own clock, its own verdict",
  async *run(bench) {
    if (findK6() === null) throw new Skipped(`there is no k6; ${howToInstallK6}`);
    const { stage } = await bench.held();
    yield await measure(this.id, bench, stage);
  },
};

async function measure(scenario: string, bench: Bench, stage: Stage): Promise<Measured> {
  const { rates, warmUpMs, measureMs, otherClients = MAX_CLIENTS } = bench.size;
  const eventsPerSecond = rates[0] ?? 0;
  const users = usersFor(eventsPerSecond, userCount(stage.options.population));
  const connections = sharesOf(Math.min(otherClients, users), stage);
  const clients = connections.socketio + connections.websocket + connections.polling;
  const plan = {
    ...{ scenario, eventsPerSecond, users, photosPerUser: 1, warmUpMs, measureMs },
    isEachShown: true,
  };
  const scheduled = stage.schedule(plan, START_MS + clients * CONNECT_MS_EACH);
  const stop = new AbortController();
  try {
    const { ready, ended } = start(bench, stage, scheduled, connections, stop.signal);
    await stage.meanwhile(scenario, "k6 connects", Promise.race([ready, ended]));
    if (stage.nowUs() > scheduled.schedule.startUs) {
      throw new Error(
        "k6 took so long to connect that the load had to be called off: the machine is too busy",
      );
    }
    const outcome = await stage.put(scheduled);
    const seen = await stage.meanwhile(scenario, "k6 adds up", ended);
    const measured = measuredOf(stage, plan, outcome, {
      variant: null,
      title: `k6 ${seen.version} as a device of ${countText(clients)} users, ${countText(eventsPerSecond)} events/s for ${measureMs / 1_000} s`,
    });
    return {
      ...measured,
      load: { ...measured.load, connections: { ...measured.load.connections, k6: clients } },
      metrics: metricsOf(seen, outcome, missedBy(seen, scheduled, connections)),
      conditions: { ...outcome.conditions, k6LagP99Ms: seen.trends.lag.p99 },
    };
  } finally {
    stop.abort();
  }
}

/** As the usual mix, with polling in the place of SSE, which k6 has not. */
function sharesOf(clients: number, { options }: Stage): Connections {
  const { mix } = options.population;
  const quarter = Math.floor(clients / 4);
  const { kind } = options.target;
  return {
    socketio: mix.includes("socketio") ? clients - 2 * quarter : 0,
    websocket: mix.includes("websocket") ? quarter : 0,
    polling: kind === "hub" || kind === "remote" ? quarter : 0,
  };
}

function start(
  { gates, signal }: Bench,
  stage: Stage,
  { schedule, fromUs }: ScheduledLoad<Steady>,
  connections: Connections,
  stopped: AbortSignal,
): { readonly ready: Promise<void>; readonly ended: Promise<Done> } {
  const { target, population } = stage.options;
  const all = connections.socketio + connections.websocket + connections.polling;
  const thresholds: Record<string, string[]> = {};
  for (const { scenario, metric, threshold } of gates) {
    if (scenario !== "k6") continue;
    thresholds[metric] = [...(thresholds[metric] ?? []), threshold.text];
  }
  let onReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    onReady = resolve;
  });
  const running = runK6({
    publicUrl: target.publicUrls[0] ?? "",
    tokens: Array.from({ length: all }, (_, user) =>
      tokenFor(userIdOf(population.run, user), target.jwtSecret),
    ),
    connections,
    // Events tell the microsecond of the run in which they were due.
    originUnixMs: Date.now() - stage.nowUs() / US_PER_MS,
    warmUpMs: fromUs / US_PER_MS,
    durationMs: dueUs(schedule, eventCount(schedule)) / US_PER_MS + TAIL_MS,
    thresholds,
    signal: AbortSignal.any([signal, stopped]),
    onReady,
  });
  const ended = running.then((result) => {
    if (result.status === "done") return result;
    throw new Error(result.status === "absent" ? `there is no k6; ${howToInstallK6}` : result.reason);
  });
  // Who is stopped while nobody waits for k6 must not end by its end.
  ended.catch(() => undefined);
  return { ready, ended };
}

function metricsOf(seen: Done, { judged, closes }: LoadOutcome, missed: number): Map<string, Metric> {
  const metrics = new Map<string, Metric>();
  for (const name of ["socketio", "websocket", "polling", "lag"] as const) {
    const figures = seen.trends[name];
    if (figures.count === 0 && name === "lag") continue;
    const own = seen.thresholds.filter(({ metric }) => metric === name);
    const verdicts = new Map(own.map(({ threshold, value, ok }) => [threshold, { value, ok }]));
    metrics.set(name, toldTrend({ figures, verdicts }));
  }
  for (const name of COMMON) metrics.set(`our_${name}`, trend(judged.histograms.leading[name]));
  const away = COMMON.map((name) => awayMs(judged.histograms.leading[name], seen.trends[name]));
  const known = away.filter((ms) => ms !== null);
  // Without a pair of figures there is none, which fails the gate.
  if (known.length > 0) metrics.set("agreement", gauge(Math.max(...known), "ms"));
  metrics.set("messages", counter(seen.counters.messages));
  metrics.set("missed", counter(missed));
  metrics.set("errors", counter(seen.counters.errors));
  metrics.set("closes", counter(seen.counters.closes + closes));
  return metrics;
}

/** Events that were due to its sockets and did not come. A poll is told states, so that one of two events may be all. */
function missedBy(
  { trends }: Done,
  { schedule, fromUs }: ScheduledLoad<Steady>,
  { socketio, websocket }: Connections,
): number {
  const places = placesOf(schedule);
  let due = 0;
  for (let user = 0; user < socketio + websocket; user += 1) {
    const place = places[user];
    if (place === undefined) continue;
    for (let round = 0; round < schedule.rounds; round += 1) {
      if (dueInRoundUs(schedule, place, round) >= (fromUs / US_PER_MS) * US_PER_MS) due += 1;
    }
  }
  return due - trends.socketio.count - trends.websocket.count;
}
