import { setTimeout as wait } from "node:timers/promises";
import type { Histogram } from "hdr-histogram-js";
import { monotonicUs } from "./clock.ts";
import { RunningEmitter } from "./emit/run-emitter.ts";
import type { AuditRules } from "./load/audit.ts";
import { Fleet } from "./load/fleet.ts";
import type { Population } from "./load/population.ts";
import { ProcessTree } from "./machine/process-tree.ts";
import { type KernelMemory, kernelMemory } from "./machine/sockets.ts";
import type { Progress } from "./progress.ts";
import { type LoadOutcome, RunningLoad, sumOf } from "./running-load.ts";
import { countOf, type Schedule } from "./schedule/schedule.ts";
import { counted, type Simulated } from "./schedule/simulated.ts";
import { dueUs, marksUs, progressFrom, progressTo, type Steady } from "./schedule/steady.ts";
import { whileAlive } from "./target/alive.ts";
import type { Target } from "./target/target.ts";
import { TRANSPORTS, type Transport } from "./transports.ts";
import type { Turn } from "./turns.ts";

export interface StageOptions {
  readonly target: Target;
  /** Other hubs that are part of what is measured; absent: none. */
  readonly others?: readonly Target[];
  readonly population: Population;
  readonly rules: AuditRules;
  readonly connectPerSecond: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A steady load to put on: the rest of it follows from the population. */
export interface LoadPlan {
  readonly scenario: string;
  readonly eventsPerSecond: number;
  readonly users: number;
  readonly photosPerUser: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** No event is to be merged with another of the same photo; not asked where few users make them follow closely. */
  readonly isEachShown: boolean;
  /** The ids of jobs are about as long as ids may be. */
  readonly hasLongIds?: boolean;
  /** Where events go; absent: to the target. */
  readonly internalUrl?: string;
  /** Absent: nobody else's load is to take turns with this one. */
  readonly turn?: Turn;
}

export type SimulatedPlan = Pick<LoadPlan, "scenario" | "warmUpMs" | "measureMs"> &
  Pick<Simulated, "seed" | "users" | "photosPerJob" | "parallelUploads" | "speed">;

/** A load, and what of it is measured: from `fromUs` to before `toUs`, in microseconds of the run. */
export interface ScheduledLoad<Kind extends Schedule = Schedule> {
  readonly plan: Pick<LoadPlan, "scenario" | "isEachShown" | "internalUrl">;
  readonly schedule: Kind;
  readonly fromUs: number;
  readonly toUs: number;
  /** Within that, of a load that takes turns: where each slot begins and ends, and where the pause after the last does. */
  readonly marksUs: readonly number[];
}

/** `canaries`: stock clients. `witnesses`: to whom nothing is done while it is to all others. `slow`: who read slowly. */
export type CompanionName = "canaries" | "witnesses" | "slow";

export interface CompanionWish {
  readonly connections: number;
  readonly isStock?: boolean;
  readonly isSlow?: boolean;
  /** Absent: each is of another user. */
  readonly usersWithDevices?: number;
  readonly devices?: number;
  /** Absent: as the population's. */
  readonly mix?: readonly Transport[];
}

/** What it costs only to be connected. */
export interface IdleCost {
  /** Of all hub processes, since before the first connection, in KiB. */
  readonly pssGrowthKib: number;
  readonly cpuUsPerSecond: number;
  readonly kernelBytes: number | null;
}

const TICK_MS = 4;
const START_IN_MS = 500;
const LOOK_EVERY_MS = 250;
/** Of the time: who begins later would still be at it for long when the others are done. */
const BEGIN_SHARE = 0.8;
/** What was sent has arrived by then, or is lost. */
const DRAIN_MS = 15_000;
/** One process of them costs little, and of a few thousand messages a percentile says something. */
const CANARIES = 60;
/** Of 128 characters of a job's id; the rest names run and user. */
const LONG_NAME = 100;
const COMPANIONS_PER_SECOND = 100;
/** So many intervals from one event of a photo to the next: a moment's delay must not make two of them meet. */
const APART_INTERVALS = 4;

/** A target with its clients connected, on which loads are put, one after the other. */
export class Stage {
  readonly options: StageOptions;
  readonly fleet: Fleet;
  /** Zero of the run, by the machine's monotonic clock. */
  readonly #epochUs: number;
  /** The hub's processes; null: they run elsewhere. */
  readonly #hub: ProcessTree | null;
  /** Before anybody connected. */
  #emptyPssKib: number | null = null;
  #emptyKernel: KernelMemory | null = null;
  readonly #companions = new Map<CompanionName, Fleet>();
  #loads = 0;

  private constructor(options: StageOptions, fleet: Fleet, epochUs: number, hub: ProcessTree | null) {
    this.options = options;
    this.fleet = fleet;
    this.#epochUs = epochUs;
    this.#hub = hub;
  }

  /** Starts the generators; nobody is connected yet. */
  static async open(options: StageOptions): Promise<Stage> {
    const { target, population, rules } = options;
    const epochUs = Math.round(monotonicUs());
    const { publicUrls, jwtSecret } = target;
    const hub = target.pid === null ? null : new ProcessTree(hubsOf(options).flatMap(({ pid }) => pid ?? []));
    const fleet = await Fleet.start({
      population,
      isStock: false,
      isSlow: false,
      publicUrls,
      jwtSecret,
      epochUs,
      rules,
    });
    return new Stage(options, fleet, epochUs, hub);
  }

  /** Resolves when every client is connected or has failed, with how long it took them. */
  connect(scenario: string): Promise<Histogram> {
    const { population, connectPerSecond } = this.options;
    this.#emptyPssKib = this.#hub?.pssKib() ?? null;
    this.#emptyKernel = kernelMemory();
    const connected = this.fleet.connect(connectPerSecond);
    return this.#watched(scenario, "connect", connected, () => {
      return this.fleet.counts().everEstablished / population.connections;
    });
  }

  /** Clients that people use, beside ours, as further devices of the first users. */
  async connectCanaries(): Promise<void> {
    await this.accompany("canaries", { connections: CANARIES, isStock: true, mix: TRANSPORTS });
  }

  /** Others beside the population, as further devices of the first users, each of another unless told. */
  async accompany(name: CompanionName, wish: CompanionWish): Promise<Fleet> {
    const { target, population, rules } = this.options;
    const { connections, isStock = false, usersWithDevices = 0, devices = 1, isSlow = false } = wish;
    const mix = wish.mix ?? population.mix;
    const { publicUrls, jwtSecret } = target;
    const fleet = await Fleet.start({
      ...{ isStock, isSlow, publicUrls, jwtSecret, epochUs: this.#epochUs },
      population: { ...population, connections, usersWithDevices, devices, mix },
      // Who reads slowly is shown the newest states, not each.
      rules: isSlow ? { ...rules, isDense: false } : rules,
    });
    this.#companions.set(name, fleet);
    await fleet.connect(COMPANIONS_PER_SECOND);
    return fleet;
  }

  /** Waits with everybody connected, and tells what that costs; null: the hub runs elsewhere. */
  async hold(scenario: string, ms: number): Promise<IdleCost | null> {
    const beganMs = performance.now();
    const cpuUs = this.#hub?.cpuUs() ?? 0;
    await this.#watched(scenario, "hold", this.#pause(ms), () => (performance.now() - beganMs) / ms);
    const pssKib = this.#hub?.pssKib() ?? null;
    if (this.#hub === null || pssKib === null || this.#emptyPssKib === null) return null;
    const kernel = kernelMemory();
    return {
      pssGrowthKib: pssKib - this.#emptyPssKib,
      cpuUsPerSecond: ((this.#hub.cpuUs() - cpuUs) * 1_000) / (performance.now() - beganMs),
      kernelBytes: kernel === null ? null : bytesOf(kernel) - bytesOf(this.#emptyKernel ?? kernel),
    };
  }

  /** Since before the first connection, in KiB; null: the hub runs elsewhere. */
  pssGrowthKib(): number | null {
    const pssKib = this.#hub?.pssKib() ?? null;
    return pssKib === null || this.#emptyPssKib === null ? null : pssKib - this.#emptyPssKib;
  }

  /** Fixes when each event of the load is due; `startInMs` from now the first. */
  schedule(plan: LoadPlan, startInMs = START_IN_MS): ScheduledLoad<Steady> {
    const { turn } = plan;
    const steady = this.#steadyOf(plan, turn === undefined ? startInMs : turn.startsAtMs - performance.now());
    const isEachShown = plan.isEachShown && isFarApart(steady, this.options.rules);
    const scheduled = { plan: { ...plan, isEachShown }, schedule: steady };
    if (steady.slots === undefined) {
      const fromUs = dueUs(steady, progressFrom(steady)) + plan.warmUpMs * 1_000;
      return { ...scheduled, fromUs, toUs: dueUs(steady, progressTo(steady)), marksUs: [] };
    }
    const marks = marksUs(steady, steady.slots, { ...plan, gapMs: turn?.gapMs ?? 0 });
    const [fromUs = 0, toUs = 0] = [marks[0], marks.at(-1)];
    return { ...scheduled, fromUs, toUs, marksUs: marks };
  }

  /** The simulator's uploads, of users who begin one after the other while it warms up and is measured. */
  scheduleSimulated({ warmUpMs, measureMs, ...plan }: SimulatedPlan): ScheduledLoad<Simulated> {
    this.#loads += 1;
    const { seed, users, photosPerJob, parallelUploads, speed } = plan;
    const uncounted = {
      ...{ seed, users, photosPerJob, parallelUploads, speed },
      ...{ run: this.options.population.run, name: `load${this.#loads}` },
      spreadMs: (warmUpMs + measureMs) * BEGIN_SHARE * speed,
    };
    const { eventCount } = counted({ ...uncounted, startUs: 0 });
    const startUs = this.nowUs() + START_IN_MS * 1_000;
    const fromUs = startUs + warmUpMs * 1_000;
    return {
      plan: { scenario: plan.scenario, isEachShown: false },
      schedule: { ...uncounted, startUs, eventCount },
      fromUs,
      toUs: fromUs + measureMs * 1_000,
      marksUs: [],
    };
  }

  /** Puts the load on from now, waits for its end, and judges what came of it. `during` may do harm meanwhile. */
  load(plan: LoadPlan, during?: (load: RunningLoad) => Promise<void>): Promise<LoadOutcome> {
    return this.put(this.schedule(plan), during);
  }

  /** As `load`, of one whose times are fixed; they must not have begun. */
  async put(
    { plan, schedule, fromUs, toUs, marksUs }: ScheduledLoad,
    during: (load: RunningLoad) => Promise<void> = async () => {},
  ): Promise<LoadOutcome> {
    const { target } = this.options;
    const expectation = { schedule, fromUs, toUs, isEachShown: plan.isEachShown };
    this.fleet.expect(expectation);
    for (const [name, fleet] of this.#companions) {
      fleet.expect({ ...expectation, isEachShown: plan.isEachShown && name !== "slow" });
    }
    const closesBefore = sumOf(this.fleet.counts().closes);
    const emitter = new RunningEmitter({
      ...{ schedule, fromUs, toUs, tickMs: TICK_MS, epochUs: this.#epochUs },
      internalUrl: plan.internalUrl ?? target.internalUrl,
      ingestToken: target.ingestToken,
    });
    const load = new RunningLoad(hubsOf(this.options), this.fleet, this.#hub, emitter);
    try {
      const total = countOf(schedule);
      const beganUs = this.nowUs();
      await this.#watched(plan.scenario, "warm-up", this.#until(fromUs), () => this.#share(beganUs, fromUs));
      load.begin();
      const harm = during(load);
      // It is waited for below; until then it must not end the process.
      harm.catch(() => undefined);
      const measured = this.#through(marksUs, toUs, load);
      await this.#watched(plan.scenario, "measure", measured, () => this.#share(fromUs, toUs));
      load.end();
      await this.#watched(plan.scenario, "drain", this.#drained(emitter, harm), () => {
        return emitter.counts().sent / total;
      });
      return await load.outcome(this.#companions, closesBefore);
    } finally {
      load.stop();
      await emitter.stop();
    }
  }

  /** Does something else with everybody connected; fails when the target dies, or somebody pressed Ctrl-C. */
  meanwhile<Value>(scenario: string, phase: string, work: Promise<Value>): Promise<Value> {
    return this.#watched(scenario, phase, work, () => null);
  }

  /** Microseconds of the run. */
  nowUs(): number {
    return Math.round(monotonicUs()) - this.#epochUs;
  }

  async close(): Promise<void> {
    await Promise.all(this.#fleets().map((fleet) => fleet.close()));
  }

  #fleets(): readonly Fleet[] {
    return [this.fleet, ...this.#companions.values()];
  }

  #steadyOf(
    { eventsPerSecond, users, photosPerUser, warmUpMs, measureMs, turn, hasLongIds = false }: LoadPlan,
    startInMs: number,
  ): Steady {
    this.#loads += 1;
    // Of what takes turns, what is measured begins with a slot.
    const progressMs = warmUpMs + measureMs + (turn?.slotMs ?? 0);
    return {
      run: this.options.population.run,
      name: `load${this.#loads}`.padEnd(hasLongIds ? LONG_NAME : 0, "-"),
      users,
      photosPerUser,
      rounds: Math.max(photosPerUser, Math.ceil((progressMs * eventsPerSecond) / 1_000 / users)),
      eventsPerSecond,
      startUs: Math.round(this.nowUs() + startInMs * 1_000),
      ...(turn !== undefined && {
        slots: {
          events: Math.max(1, Math.floor((turn.slotMs * eventsPerSecond) / 1_000)),
          everyUs: Math.round(turn.everyMs * 1_000),
        },
      }),
    };
  }

  /** Until what is measured has been. */
  async #through(marksUs: readonly number[], toUs: number, load: RunningLoad): Promise<void> {
    for (const atUs of marksUs) {
      await this.#until(atUs);
      load.mark();
    }
    await this.#until(toUs);
  }

  async #drained(emitter: RunningEmitter, harm: Promise<void>): Promise<void> {
    await emitter.done;
    await harm;
    const deadlineMs = performance.now() + DRAIN_MS;
    // Told twice a second; a second look, since what they tell is that old.
    while (performance.now() < deadlineMs) {
      await this.#pause(2 * LOOK_EVERY_MS);
      if (this.#fleets().every((fleet) => fleet.counts().unfinished === 0)) return;
    }
  }

  /** Tells the progress until it is settled; fails when the target dies, or somebody pressed Ctrl-C. */
  async #watched<Value>(
    scenario: string,
    phase: string,
    work: Promise<Value>,
    share: () => number | null,
  ): Promise<Value> {
    const { progress, population, signal } = this.options;
    // Who is not waited for any more may fail as it likes.
    work.catch(() => undefined);
    progress.phase(scenario, phase);
    let before = { messages: this.fleet.counts().messages, atMs: performance.now() };
    const timer = setInterval(() => {
      const { established, messages, recentP99Ms } = this.fleet.counts();
      const atMs = performance.now();
      progress.numbers({
        connected: established,
        wanted: population.connections,
        messagesPerSecond: ((messages - before.messages) * 1_000) / (atMs - before.atMs),
        p99Ms: recentP99Ms,
        done: share(),
      });
      before = { messages, atMs };
    }, LOOK_EVERY_MS);
    try {
      return await whileAlive(hubsOf(this.options), signal, work);
    } finally {
      clearInterval(timer);
    }
  }

  async #until(us: number): Promise<void> {
    await this.#pause((us - this.nowUs()) / 1_000);
  }

  async #pause(ms: number): Promise<void> {
    await wait(Math.max(0, ms), undefined, { signal: this.options.signal });
  }

  #share(fromUs: number, toUs: number): number {
    return (this.nowUs() - fromUs) / (toUs - fromUs);
  }
}

function isFarApart({ users, photosPerUser, eventsPerSecond }: Steady, rules: AuditRules): boolean {
  const apartMs = (users * photosPerUser * 1_000) / eventsPerSecond;
  return apartMs >= APART_INTERVALS * rules.photoIntervalMs;
}

function hubsOf({ target, others = [] }: StageOptions): readonly Target[] {
  return [target, ...others];
}

function bytesOf({ tcpBufferBytes, slabBytes }: KernelMemory): number {
  return tcpBufferBytes + slabBytes;
}
