import type { Histogram } from "hdr-histogram-js";
import { decodeFromCompressedBase64 } from "hdr-histogram-js";
import { type Child, startChild } from "../children.ts";
import { newHistogram } from "../metric.ts";
import type { Transport } from "../transports.ts";
import { type AuditCounts, addFindings, NO_FINDINGS } from "./audit.ts";
import { addSimulated } from "./audits.ts";
import type {
  Expectation,
  FromGenerator,
  GeneratorCounts,
  GeneratorOptions,
  Judgement,
  SampleKind,
  ToGenerator,
} from "./messages.ts";
import { perTransport } from "./population.ts";

/** Sockets of one process: open files are limited to 20,000 or less, and one core must be enough for them. */
const MAX_SOCKETS_PER_GENERATOR = 9_000;
const MIN_GENERATORS = 2;
/** For so many, one is enough. */
const MAX_FEW = 200;

/** How many processes share so many connections. */
export function generatorsFor(connections: number): number {
  return Math.max(MIN_GENERATORS, Math.ceil(connections / MAX_SOCKETS_PER_GENERATOR));
}

export type FleetOptions = Omit<GeneratorOptions, "index" | "generators">;

/** What all generators found together; the loop delay is that of the worst. */
export type FleetJudgement = Omit<Judgement, "histograms"> & {
  readonly histograms: Readonly<Record<SampleKind, Readonly<Record<Transport, Histogram>>>>;
};

/** The population, connected from several processes that are told what to do together. */
export class Fleet {
  readonly options: FleetOptions;
  readonly #generators: readonly Child<ToGenerator, FromGenerator>[];
  readonly #counts: (GeneratorCounts | null)[];

  private constructor(options: FleetOptions, generators: readonly Child<ToGenerator, FromGenerator>[]) {
    this.options = options;
    this.#generators = generators;
    this.#counts = generators.map(() => null);
    generators.forEach((generator, index) => {
      generator.onReport((report) => {
        if (report.type === "counts") this.#counts[index] = report.counts;
      });
    });
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const count =
      options.population.connections <= MAX_FEW ? 1 : generatorsFor(options.population.connections);
    const entry = new URL("./generator-process", import.meta.url);
    const generators = Array.from({ length: count }, () => startChild<ToGenerator, FromGenerator>(entry));
    const fleet = new Fleet(options, generators);
    await Promise.all(
      generators.map((generator, index) => {
        const begun = generator.next((report) => report.type === "begun");
        generator.send({ type: "begin", ...options, index, generators: count });
        return begun;
      }),
    );
    return fleet;
  }

  get pids(): readonly number[] {
    return this.#generators.map(({ pid }) => pid);
  }

  /** Numbers so far, of all generators. */
  counts(): GeneratorCounts {
    const all = this.#counts.filter((counts) => counts !== null);
    const sum = (of: (counts: GeneratorCounts) => number) =>
      all.reduce((total, counts) => total + of(counts), 0);
    const recent = all.map(({ recentP99Ms }) => recentP99Ms).filter((ms) => ms !== null);
    return {
      established: sum(({ established }) => established),
      everEstablished: sum(({ everEstablished }) => everEstablished),
      errors: addReasons(all.map(({ errors }) => errors)),
      closes: addReasons(all.map(({ closes }) => closes)),
      messages: sum(({ messages }) => messages),
      unfinished: sum(({ unfinished }) => unfinished),
      recentP99Ms: recent.length === 0 ? null : Math.max(...recent),
    };
  }

  /** Resolves when every client has been established or has failed, with their times. `perSecond`: of all together. */
  connect(perSecond: number): Promise<Histogram> {
    return this.#settled((share) => ({ type: "connect", perSecond: share }), perSecond);
  }

  /** Cuts every connection as a network does; resolves when all are back, or have not been for half a minute. */
  cut(perSecond: number): Promise<Histogram> {
    return this.#settled((share) => ({ type: "cut", perSecond: share }), perSecond);
  }

  expect(expectation: Expectation): void {
    for (const generator of this.#generators) generator.send({ type: "expect", expectation });
  }

  /** Half of the clients read nothing from here on, the others 1 KiB a second; or all as fast as they can. */
  read(isSlow: boolean): void {
    for (const generator of this.#generators) generator.send({ type: "read", isSlow });
  }

  async judge(): Promise<FleetJudgement> {
    const judged = await Promise.all(
      this.#generators.map(async (generator) => {
        const report = generator.next((other) => other.type === "judged");
        generator.send({ type: "judge" });
        return (await report).judgement;
      }),
    );
    return joined(judged);
  }

  async close(): Promise<void> {
    await Promise.all(this.#generators.map((generator) => generator.end({ type: "close" })));
  }

  async #settled(order: (share: number) => ToGenerator, perSecond: number): Promise<Histogram> {
    const settled = await Promise.all(
      this.#generators.map((generator) => {
        const report = generator.next((other) => other.type === "settled");
        generator.send(order(perSecond / this.#generators.length));
        return report;
      }),
    );
    return merged(settled.map(({ connectTimes }) => connectTimes));
  }
}

function joined(judged: readonly Judgement[]): FleetJudgement {
  const merge = (kind: SampleKind) =>
    perTransport((transport) => merged(judged.map(({ histograms }) => histograms[kind][transport])));
  const worst = judged.map(({ worstClientP99Ms }) => worstClientP99Ms).filter((ms) => ms !== null);
  return {
    counts: judged.reduce<AuditCounts>((sum, { counts }) => addFindings(sum, counts), NO_FINDINGS),
    histograms: { leading: merge("leading"), trailing: merge("trailing"), ending: merge("ending") },
    worstClientP99Ms: worst.length === 0 ? null : Math.max(...worst),
    messages: judged.reduce((sum, { messages }) => sum + messages, 0),
    loopDelayP99Ms: Math.max(0, ...judged.map(({ loopDelayP99Ms }) => loopDelayP99Ms)),
    examples: judged.flatMap(({ examples }) => examples),
    simulated: addSimulated(judged.flatMap(({ simulated }) => simulated ?? [])),
  };
}

function merged(encoded: readonly string[]): Histogram {
  const all = newHistogram();
  for (const one of encoded) all.add(decodeFromCompressedBase64(one));
  return all;
}

function addReasons(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const reasons of all) {
    for (const [reason, count] of Object.entries(reasons)) sum[reason] = (sum[reason] ?? 0) + count;
  }
  return sum;
}
