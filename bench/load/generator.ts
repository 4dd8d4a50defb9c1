import { monitorEventLoopDelay } from "node:perf_hooks";
import { encodeIntoCompressedBase64 } from "hdr-histogram-js";
import { type Backoff, fullJitterMs } from "../../src/backoff.ts";
import { monotonicUs } from "../clock.ts";
import { newHistogram } from "../metric.ts";
import { userIdOf } from "../schedule/steady.ts";
import { tokenFor } from "../token.ts";
import { type AuditCounts, addFindings, type ClientAudit, NO_FINDINGS } from "./audit.ts";
import { auditsOf, simulatedOf } from "./audits.ts";
import { type ClientEvents, type ClientOptions, LoadClient } from "./client.ts";
import { type Destination, destinationOf } from "./connection.ts";
import type { Expectation, FromGenerator, GeneratorOptions, Judgement, ToGenerator } from "./messages.ts";
import { clientAt, sliceOf } from "./population.ts";
import { Samples } from "./samples.ts";
import { STOCK } from "./stock.ts";
import { FRAME_LEVEL } from "./wire.ts";

const TICK_MS = 10;
const COUNTS_EVERY_MS = 250;
/** A client that has not synced by then has failed. */
const CONNECT_TIMEOUT_MS = 30_000;
/** Who was refused when it came back tries again, as any client does: after a second on average. */
const TRY_AGAIN: Backoff = { minMs: 2_000, maxMs: 2_000 };
const LOOP_RESOLUTION_MS = 5;
const MAX_EXAMPLES = 5;

/** One slice of the population, in a process of its own. */
export class Generator {
  readonly #options: GeneratorOptions;
  readonly #tell: (message: FromGenerator) => void;
  readonly #clients: LoadClient[] = [];
  readonly #destinations: readonly Destination[];
  readonly #errors = new Map<string, number>();
  readonly #closes = new Map<string, number>();
  readonly #loopDelay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  readonly #countsTimer: NodeJS.Timeout;
  #connecting: NodeJS.Timeout | null = null;
  #giveUpTimer: NodeJS.Timeout | null = null;
  /** How many have been told to connect, and of these: who has neither succeeded nor failed, and since when it tries. */
  #opened = 0;
  readonly #pending = new Map<LoadClient, number>();
  /** False: they connect for the first time, and who is refused has failed. */
  #isComingBack = false;
  /** Who was refused when it came back. */
  readonly #tryingAgain = new Set<NodeJS.Timeout>();
  #beganMs = 0;
  #connectTimes = newHistogram();
  #established = 0;
  #everEstablished = 0;
  #audits: ClientAudit[] = [];
  #samples: Samples | null = null;
  #expectation: Expectation | null = null;

  constructor(options: GeneratorOptions, tell: (message: FromGenerator) => void) {
    this.#options = options;
    this.#tell = tell;
    this.#destinations = options.publicUrls.map(destinationOf);
    const { population, index, generators } = options;
    const { from, to } = sliceOf(population, index, generators);
    const client: ClientOptions = {
      run: population.run,
      ways: options.isStock ? STOCK : FRAME_LEVEL,
      events: this.#events(),
      nowUs: () => this.#nowUs(),
    };
    for (let number = from; number < to; number += 1) {
      this.#clients.push(new LoadClient(clientAt(population, number), client));
    }
    this.#countsTimer = setInterval(() => this.#tellCounts(), COUNTS_EVERY_MS);
    tell({ type: "begun" });
  }

  take(order: Exclude<ToGenerator, { type: "begin" }>): void {
    switch (order.type) {
      case "connect":
        this.#isComingBack = false;
        this.#connect(order.perSecond);
        return;
      case "expect":
        this.#expect(order.expectation);
        return;
      case "judge":
        this.#tellCounts();
        this.#tell({ type: "judged", judgement: this.#judge() });
        return;
      case "cut":
        for (const client of this.#clients) client.cut();
        this.#established = 0;
        this.#isComingBack = true;
        this.#connect(order.perSecond);
        return;
      case "read":
        this.#read(order.isSlow);
        return;
      case "close":
        this.#close();
    }
  }

  #connect(perSecond: number): void {
    this.#beganMs = performance.now();
    this.#connectTimes = newHistogram();
    this.#opened = 0;
    // Of those that were coming back when they were cut nobody says any more that they have failed.
    this.#pending.clear();
    this.#stopConnecting();
    this.#connecting = setInterval(() => {
      const due = Math.min(
        this.#clients.length,
        Math.ceil(((performance.now() - this.#beganMs) / 1_000) * perSecond),
      );
      for (; this.#opened < due; this.#opened += 1) {
        const client = this.#clients[this.#opened];
        if (client === undefined) continue;
        this.#pending.set(client, performance.now());
        this.#open(client);
      }
      if (this.#opened < this.#clients.length || this.#connecting === null) return;
      clearInterval(this.#connecting);
      this.#connecting = null;
      if (this.#pending.size === 0) this.#tellSettled();
      else this.#giveUpTimer = setTimeout(() => this.#giveUp(), CONNECT_TIMEOUT_MS).unref();
    }, TICK_MS);
  }

  #stopConnecting(): void {
    if (this.#connecting !== null) clearInterval(this.#connecting);
    this.#connecting = null;
    if (this.#giveUpTimer !== null) clearTimeout(this.#giveUpTimer);
    this.#giveUpTimer = null;
    for (const timer of this.#tryingAgain) clearTimeout(timer);
    this.#tryingAgain.clear();
  }

  #open(client: LoadClient): void {
    const destination = this.#destinations[this.#opened % this.#destinations.length];
    if (destination === undefined) return;
    const { population, jwtSecret } = this.#options;
    client.open({
      destination,
      isSlow: this.#options.isSlow,
      token: tokenFor(userIdOf(population.run, client.user), jwtSecret),
    });
  }

  #read(isSlow: boolean): void {
    this.#clients.forEach((client, index) => {
      if (!isSlow) client.pace("full");
      else client.pace(index % 2 === 0 ? "stopped" : "slow");
    });
  }

  #giveUp(): void {
    if (this.#pending.size === 0) return;
    note(this.#errors, `not synced within ${CONNECT_TIMEOUT_MS} ms`, this.#pending.size);
    this.#pending.clear();
    this.#tellSettled();
  }

  #events(): ClientEvents {
    return {
      established: (client) => {
        const sinceMs = this.#pending.get(client) ?? client.openedMs;
        const us = Math.round((performance.now() - sinceMs) * 1_000);
        this.#connectTimes.recordValue(Math.max(1, us));
        this.#established += 1;
        this.#everEstablished += 1;
        this.#settle(client);
      },
      failed: (client, reason) => {
        note(this.#errors, `${client.transport}: ${reason}`);
        if (this.#pending.has(client) && !this.#isComingBack) this.#settle(client);
        else this.#tryAgain(client);
      },
      closed: (client, reason, isAsked) => {
        this.#established -= 1;
        if (!isAsked) note(this.#closes, `${client.transport}: ${reason}`);
        this.#open(client);
      },
      sample: (client, sample) => this.#samples?.add(client, sample, this.#nowUs()),
    };
  }

  #tellSettled(): void {
    // Who hears that all are settled looks at the counts at once.
    this.#tellCounts();
    this.#tell({ type: "settled", connectTimes: encodeIntoCompressedBase64(this.#connectTimes) });
  }

  #settle(client: LoadClient): void {
    if (!this.#pending.delete(client)) return;
    const isRamped = this.#connecting === null && this.#opened === this.#clients.length;
    if (this.#pending.size === 0 && isRamped) this.#tellSettled();
  }

  #tryAgain(client: LoadClient): void {
    const again = (): void => {
      this.#tryingAgain.delete(timer);
      this.#open(client);
    };
    const timer = setTimeout(again, fullJitterMs(1, TRY_AGAIN, Math.random()));
    this.#tryingAgain.add(timer);
  }

  #expect(expectation: Expectation): void {
    const auditOf = auditsOf(expectation.schedule, this.#options.rules, expectation.fromUs);
    this.#audits = [];
    for (const client of this.#clients) {
      const audit = auditOf(client.user);
      client.expect(audit);
      if (audit !== null) this.#audits.push(audit);
    }
    this.#samples = new Samples(expectation);
    this.#expectation = expectation;
    this.#loopDelay.enable();
    this.#loopDelay.reset();
  }

  #judge(): Judgement {
    const [samples, expectation] = [this.#samples, this.#expectation];
    if (samples === null || expectation === null) throw new Error("nothing was expected");
    const loopDelayP99Ms = Math.max(0, this.#loopDelay.percentile(99) / 1e6 - LOOP_RESOLUTION_MS);
    let counts: AuditCounts = NO_FINDINGS;
    const examples: string[] = [];
    for (const client of this.#clients) {
      const found = client.findings(expectation.isEachShown);
      counts = addFindings(counts, found);
      const words = Object.entries(found).flatMap(([kind, count]) =>
        count === 0 ? [] : [`${count} ${kind}`],
      );
      if (words.length === 0 || examples.length === MAX_EXAMPLES) continue;
      const userId = userIdOf(this.#options.population.run, client.user);
      examples.push(`${client.transport} client of ${userId}: ${words.join(", ")}.`);
    }
    return {
      counts,
      histograms: samples.encoded(),
      worstClientP99Ms: samples.worstClientP99Ms(),
      messages: samples.messages,
      loopDelayP99Ms,
      examples,
      simulated: simulatedOf(this.#audits),
    };
  }

  #tellCounts(): void {
    let messages = 0;
    for (const client of this.#clients) messages += client.messages;
    this.#tell({
      type: "counts",
      counts: {
        established: this.#established,
        everEstablished: this.#everEstablished,
        errors: Object.fromEntries(this.#errors),
        closes: Object.fromEntries(this.#closes),
        messages,
        unfinished: this.#audits.filter((audit) => !audit.isFinished).length,
        recentP99Ms: this.#samples?.takeRecentP99() ?? null,
      },
    });
  }

  #close(): void {
    clearInterval(this.#countsTimer);
    this.#stopConnecting();
    for (const client of this.#clients) client.close();
    this.#loopDelay.disable();
  }

  #nowUs(): number {
    return monotonicUs() - this.#options.epochUs;
  }
}

function note(counts: Map<string, number>, reason: string, times = 1): void {
  counts.set(reason, (counts.get(reason) ?? 0) + times);
}
