import { increases } from "../src/metrics/increases.ts";
import type { Scrape } from "../src/metrics/parse.ts";
import { countText } from "./count-text.ts";
import type { EmitterCounts } from "./emit/emitter.ts";
import { lagOf, type RunningEmitter } from "./emit/run-emitter.ts";
import { type HubCounts, hubCounts } from "./hub-metrics/counts.ts";
import { scrapeHub } from "./hub-metrics/scrape.ts";
import { stageTimes } from "./hub-metrics/stages.ts";
import { summed } from "./hub-metrics/summed.ts";
import type { Fleet, FleetJudgement } from "./load/fleet.ts";
import { sum } from "./machine/kept-sum.ts";
import { loadBetween, loadIn, type MachineReading } from "./machine/load.ts";
import { ProcessTree } from "./machine/process-tree.ts";
import { type Sampler, startSampler } from "./machine/sampler.ts";
import { machineSeries } from "./machine/series.ts";
import { type Conditions, judgeConditions, ofMachineAlone } from "./machine/validity.ts";
import { percentileMs } from "./metric.ts";
import type { Round, ScenarioResult, Series, StageTimes } from "./result.ts";
import type { CompanionName } from "./stage.ts";
import type { Target } from "./target/target.ts";

/** A hub whose core has just been killed, or that has no CPU, may not answer at once. */
const SCRAPE_TRIES = 3;

export interface LoadOutcome {
  readonly judged: FleetJudgement;
  /** Of those beside the population, by their name. */
  readonly companions: ReadonlyMap<CompanionName, FleetJudgement>;
  readonly emitted: EmitterCounts;
  readonly conditions: Conditions;
  readonly cost: LoadCost | null;
  readonly stages: readonly StageTimes[];
  /** What the hub counted in the measured time and while the rest arrived; null: it has no such figures. */
  readonly hub: HubCounts | null;
  readonly series: readonly Series[];
  readonly phases: ScenarioResult["phases"];
  /** Unexpected closes meanwhile. */
  readonly closes: number;
  /** Of a load that takes turns; none of any other. */
  readonly rounds: readonly Round[];
}

interface Mark {
  readonly cpuUs: number;
  readonly machine: MachineReading;
}

interface LoadCost {
  /** Of all hub processes, in the measured time, its pauses left out, in microseconds. */
  readonly cpuUs: number;
  /** Events sent in it. */
  readonly events: number;
  /** Messages delivered to all clients in it. */
  readonly messages: number;
}

/** A load that is on: reads the machine and the hub at its beginning and its end, and in between once a second. */
export class RunningLoad {
  readonly emitter: RunningEmitter;
  readonly #hubs: readonly Target[];
  readonly #fleet: Fleet;
  readonly #hub: ProcessTree | null;
  readonly #sampler: Sampler;
  readonly #zeroMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #connections: [number, number][] = [];
  readonly #messages: [number, number][] = [];
  readonly #p99: [number, number][] = [];
  #window: { fromMs: number; toMs: number } = { fromMs: 0, toMs: 0 };
  #cpuUs = { from: 0, to: 0 };
  readonly #marks: Mark[] = [];
  #scrapes: Record<"from" | "to", Promise<Scrape | null> | null> = { from: null, to: null };
  #lastMessages: number;

  constructor(hubs: readonly Target[], fleet: Fleet, hub: ProcessTree | null, emitter: RunningEmitter) {
    this.emitter = emitter;
    this.#hubs = hubs;
    this.#fleet = fleet;
    this.#hub = hub;
    const load = new ProcessTree([process.pid, ...fleet.pids, emitter.pid]);
    const isHere = hubs.every(({ pid }) => pid !== null);
    this.#sampler = startSampler({ hub: isHere ? hub : new ProcessTree([]), load });
    this.#lastMessages = fleet.counts().messages;
    this.#timer = setInterval(() => this.#look(), 1_000);
  }

  /** The hub's own figures may come later than asked for: nothing waits for them. */
  begin(): void {
    this.#scrapes.from = this.#scrape();
    this.#window.fromMs = performance.now();
    this.#cpuUs.from = this.#hub?.cpuUs() ?? 0;
  }

  /** Where a slot begins or is over, in turn, and where the pause after the last one ends. */
  mark(): void {
    this.#marks.push({ cpuUs: this.#hub?.cpuUs() ?? 0, machine: this.#sampler.readNow() });
  }

  end(): void {
    this.#cpuUs.to = this.#hub?.cpuUs() ?? 0;
    this.#window.toMs = performance.now();
    this.#scrapes.to = this.#scrape();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#sampler.stop();
  }

  async outcome(companions: ReadonlyMap<CompanionName, Fleet>, closesBefore: number): Promise<LoadOutcome> {
    const emitted = await this.emitter.done;
    const judged = await this.#fleet.judge();
    const seen = new Map<CompanionName, FleetJudgement>();
    for (const [name, fleet] of companions) seen.set(name, await fleet.judge());
    const { fromMs, toMs } = this.#window;
    const lag = lagOf(emitted);
    const [from, to] = await Promise.all([this.#scrapes.from, this.#scrapes.to]);
    const last = await this.#scrape();
    const at = (ms: number) => ms - this.#zeroMs;
    const rounds = this.#rounds();
    const inRounds = sum(rounds.map(({ cpuUs }) => cpuUs));
    return {
      judged,
      companions: seen,
      emitted,
      conditions: {
        machine: loadIn(this.#sampler.readings, fromMs, toMs),
        loopDelayP99Ms: judged.loopDelayP99Ms,
        emitterLagP99Ms: lag === null ? null : percentileMs(lag, 99),
        rateReached: Math.min(1, emitted.sentInWindow / Math.max(1, emitted.dueInWindow)),
      },
      cost:
        this.#hub === null
          ? null
          : {
              cpuUs: rounds.length > 0 ? inRounds : this.#cpuUs.to - this.#cpuUs.from,
              events: emitted.sentInWindow,
              messages: judged.messages,
            },
      stages: from === null || to === null ? [] : stageTimes(increases(from, to)),
      hub: from === null || last === null ? null : hubCounts(increases(from, last)),
      series: [
        { name: "connections", unit: "", points: this.#connections },
        { name: "messages", unit: "/s", points: this.#messages },
        { name: "latency p99", unit: "ms", points: this.#p99 },
        ...machineSeries(this.#sampler.readings, this.#zeroMs),
      ],
      phases: [
        { name: "warm-up", startMs: 0, endMs: at(fromMs) },
        { name: "measure", startMs: at(fromMs), endMs: at(toMs) },
        { name: "drain", startMs: at(toMs), endMs: at(performance.now()) },
      ],
      closes: sumOf(this.#fleet.counts().closes) - closesBefore,
      rounds,
    };
  }

  /** Judged by what the machine did from the beginning of each slot to that of the next. */
  #rounds(): readonly Round[] {
    const rounds: Round[] = [];
    for (let at = 0; this.#hub !== null && at + 2 < this.#marks.length; at += 2) {
      const [begin, end, next] = this.#marks.slice(at, at + 3);
      if (begin === undefined || end === undefined || next === undefined) break;
      const mean = loadBetween(begin.machine, next.machine);
      const isQuiet = judgeConditions(ofMachineAlone({ mean, worst: mean })).conclusive;
      rounds.push({ cpuUs: end.cpuUs - begin.cpuUs, isQuiet });
    }
    return rounds;
  }

  #look(): void {
    // As in any operation, and so that the one at the beginning of what is measured is nothing new to V8, which throws the
    // compiled code of all of HTTP away for a first one.
    if (this.#scrapes.from === null) void this.#scrape();
    const seconds = (performance.now() - this.#zeroMs) / 1_000;
    const { established, messages, recentP99Ms } = this.#fleet.counts();
    this.#connections.push([seconds, established]);
    this.#messages.push([seconds, messages - this.#lastMessages]);
    if (recentP99Ms !== null) this.#p99.push([seconds, recentP99Ms]);
    this.#lastMessages = messages;
  }

  /** Of all hubs together; null: what is measured has no such figures. */
  async #scrape(): Promise<Scrape | null> {
    const urls = this.#hubs.flatMap(({ kind, internalUrl }) =>
      kind === "hub" || kind === "remote" ? [internalUrl] : [],
    );
    for (let tries = 0; urls.length > 0 && tries < SCRAPE_TRIES; tries += 1) {
      const scraped = await Promise.all(urls.map(scrapeHub)).catch(() => null);
      if (scraped !== null) return summed(scraped);
    }
    return null;
  }
}

/** A sentence a reason. */
export function reasonsTold(what: string, reasons: Readonly<Record<string, number>>): string[] {
  return Object.entries(reasons).map(([reason, count]) => `${what} ${countText(count)} times: ${reason}.`);
}

/** Those that were not counted before. */
export function reasonsSince(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(after)
      .map(([reason, count]) => [reason, count - (before[reason] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );
}

export function sumOf(reasons: Readonly<Record<string, number>>): number {
  return sum(Object.values(reasons));
}
