import { randomBytes } from "node:crypto";
import { decodeFromCompressedBase64 } from "hdr-histogram-js";
import { countText } from "../count-text.ts";
import type { IngestFigures, IngestOrder } from "../ingest/messages.ts";
import { RunningIngest } from "../ingest/running-ingest.ts";
import { loadIn } from "../machine/load.ts";
import { ProcessTree } from "../machine/process-tree.ts";
import { startSampler } from "../machine/sampler.ts";
import { machineSeries } from "../machine/series.ts";
import { type Conditions, ofMachineAlone } from "../machine/validity.ts";
import { counter, gauge, type Metric, trend } from "../metric.ts";
import type { Series } from "../result.ts";
import { whileAlive } from "../target/alive.ts";
import type { Target } from "../target/target.ts";
import type { Bench, Measured, Scenario } from "./scenario.ts";

/** Publishers, and after them clients that poll: each waits for its answer before it asks again. */
const CONNECTIONS = 10;

type Part = "batches" | "singles" | "polls";
/** In the order in which they run, each for its share of the time. */
const PARTS: readonly Part[] = ["batches", "singles", "polls"];

export const ingest: Scenario = {
  id: "ingest",
  about: "events in batches and one by one, then polls, each as fast as they are answered",
  async *run(bench) {
    yield await bench.alone((target) => measure(this.id, bench, target));
  },
};

interface PartResult {
  readonly figures: IngestFigures;
  /** Of the hub's processes meanwhile, in microseconds; null: they run elsewhere. */
  readonly cpuUs: number | null;
  readonly fromMs: number;
  readonly toMs: number;
}

async function measure(scenario: string, bench: Bench, target: Target): Promise<Measured> {
  const { size, signal, progress } = bench;
  const zeroMs = performance.now();
  const hub = target.pid === null ? null : new ProcessTree([target.pid]);
  const answered: [number, number][] = [];
  let before = { elapsedMs: 0, requests: 0 };
  const load = new RunningIngest((elapsedMs, requests) => {
    const since = requests < before.requests ? { elapsedMs: 0, requests: 0 } : before;
    const perSecond = ((requests - since.requests) * 1_000) / (elapsedMs - since.elapsedMs);
    answered.push([(performance.now() - zeroMs) / 1_000, perSecond]);
    before = { elapsedMs, requests };
  });
  const sampler = startSampler({ hub: hub ?? new ProcessTree([]), load: new ProcessTree([load.pid]) });
  const ordered = <Value>(phase: string, work: Promise<Value>): Promise<Value> => {
    progress.phase(scenario, phase);
    return whileAlive([target], signal, work);
  };
  try {
    const prefix = `bench-${randomBytes(4).toString("hex")}`;
    await ordered("warm-up", load.load(orderOf("singles", `${prefix}-warm-up`, size.warmUpMs, target)));
    const durationMs = size.measureMs / PARTS.length;
    const results = new Map<Part, PartResult>();
    for (const part of PARTS) {
      const fromMs = performance.now();
      const cpuUs = hub?.cpuUs() ?? 0;
      // Polls ask for what the batches left.
      const name = `${prefix}-${part === "singles" ? part : "batches"}`;
      const figures = await ordered(part, load.load(orderOf(part, name, durationMs, target)));
      const used = hub === null ? null : hub.cpuUs() - cpuUs;
      results.set(part, { figures, cpuUs: used, fromMs, toMs: performance.now() });
    }
    const applied = await ordered("check", load.check(publicUrlOf(target), target.jwtSecret));
    sampler.stop();
    const all = [...results.values()];
    const { fromMs } = all[0] ?? { fromMs: zeroMs };
    return {
      variant: null,
      title: `${CONNECTIONS} publishers in batches of 100, then one by one, then ${CONNECTIONS} clients that poll, ${(durationMs / 1_000).toFixed(0)} s each`,
      load: { connections: { HTTP: CONNECTIONS }, eventsPerSecond: null },
      metrics: metricsOf(results, applied.wrong),
      conditions: conditionsOf(loadIn(sampler.readings, fromMs, performance.now())),
      phases: [...results].map(([name, part]) => ({
        name,
        startMs: part.fromMs - zeroMs,
        endMs: part.toMs - zeroMs,
      })),
      series: [answeredSeries(answered), ...machineSeries(sampler.readings, zeroMs)],
      stages: [],
      notes: [
        ...all.flatMap(({ figures }) => figures.findings),
        ...applied.findings,
        `${countText(applied.photos)} photos were read back.`,
      ],
      measuredMs: all.reduce((sum, { figures }) => sum + figures.durationMs, 0),
    };
  } finally {
    sampler.stop();
    await load.stop();
  }
}

function orderOf(part: Part, prefix: string, durationMs: number, target: Target): IngestOrder {
  const { internalUrl, ingestToken, jwtSecret } = target;
  const load = { prefix, connections: CONNECTIONS, durationMs };
  if (part === "polls") return { type: "poll", publicUrl: publicUrlOf(target), jwtSecret, ...load };
  return { type: "post", form: part === "batches" ? "batch" : "single", internalUrl, ingestToken, ...load };
}

function publicUrlOf({ publicUrls }: Target): string {
  return publicUrls[0] ?? "";
}

function metricsOf(results: ReadonlyMap<Part, PartResult>, wrong: number): Map<string, Metric> {
  const metrics = new Map<string, Metric>();
  const all = [...results.values()].map(({ figures }) => figures);
  const sum = (of: (figures: IngestFigures) => number) =>
    all.reduce((total, figures) => total + of(figures), 0);
  for (const [part, { figures }] of results) {
    metrics.set(part, trend(decodeFromCompressedBase64(figures.latency)));
  }
  for (const [part, { figures, cpuUs }] of results) {
    const count = part === "polls" ? figures.requests : figures.items;
    metrics.set(`rate_${part}`, gauge((count * 1_000) / figures.durationMs, "/s"));
    if (cpuUs !== null) metrics.set(`cpu_${part}`, gauge(cpuUs / count, "µs"));
  }
  metrics.set("non2xx", counter(sum(({ non2xx }) => non2xx)));
  metrics.set("errors", counter(sum(({ errors }) => errors)));
  metrics.set("unapplied", counter(sum(({ unaccepted }) => unaccepted) + wrong));
  return metrics;
}

/** That processes wait for a CPU says nothing here: who asks as fast as it is answered takes all there is. */
function conditionsOf(machine: Conditions["machine"]): Conditions {
  const unpressed = machine === null ? null : { ...machine, mean: { ...machine.mean, pressure: null } };
  return ofMachineAlone(unpressed);
}

function answeredSeries(points: Series["points"]): Series {
  return { name: "answers", unit: "/s", points };
}
