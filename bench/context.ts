import { randomBytes } from "node:crypto";
import type { Gate } from "./gates/parse.ts";
import { openHeld } from "./held-stage.ts";
import type { AuditRules } from "./load/audit.ts";
import type { Population } from "./load/population.ts";
import type { Progress } from "./progress.ts";
import { type Bench, type HeldStage, type Size, Skipped, type StageWish } from "./scenarios/scenario.ts";
import { Stage } from "./stage.ts";
import type { Hubs } from "./target/hubs.ts";
import { howToInstallRedis } from "./target/redis-server.ts";
import type { Target } from "./target/target.ts";
import { type Transport, USUAL_MIX } from "./transports.ts";
import type { Turns } from "./turns.ts";

export interface ContextOptions {
  /** Starts one, or names the one that runs already. */
  readonly startTarget: () => Promise<Target>;
  readonly canRestart: boolean;
  /** Starts so many that share one Redis; it gives null where there is none. Null: one that runs already is measured. */
  readonly startHubs: ((count: number) => Promise<Hubs | null>) | null;
  /** What the target has. */
  readonly transports: readonly Transport[];
  readonly rules: AuditRules;
  /** With whom loads take turns where a scenario knows how; absent: with nobody. */
  readonly turns?: Turns;
  /** Stock clients beside the population; absent: yes. */
  readonly withCanaries?: boolean;
  readonly gates: readonly Gate[];
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Users who have several devices, for scenarios that are about them. */
const USERS_WITH_DEVICES = 10;
const DEVICES = 3;

/** What scenarios run on: one target and one population for those that share them, others for the rest. */
export class Context {
  readonly #options: ContextOptions;
  #shared: { readonly key: string; readonly target: Target; readonly held: HeldStage } | null = null;
  /** What the last scenario ran on; null: nothing was started yet. */
  lastTarget: Target | null = null;

  constructor(options: ContextOptions) {
    this.#options = options;
  }

  /** For one scenario. */
  bench(size: Size): Bench {
    const { progress, signal, canRestart, transports, gates, turns = null } = this.#options;
    return {
      ...{ size, gates, progress, signal, canRestart, transports, turns },
      held: () => this.#held(size),
      fresh: (wish, use) => this.#fresh(wish, use),
      alone: (use) => this.#alone(use),
      hubs: (count, use) => this.#hubs(count, use),
      open: (target, wish) => this.#open(target, wish),
    };
  }

  /** Ends what the scenarios have shared. */
  async close(): Promise<void> {
    const shared = this.#shared;
    this.#shared = null;
    if (shared === null) return;
    await shared.held.stage.close();
    await shared.target.stop();
  }

  async #held(size: Size): Promise<HeldStage> {
    const { connections, connectPerSecond, holdMs } = size;
    const { transports } = this.#options;
    const key = `${connections}`;
    if (this.#shared?.key === key) return this.#shared.held;
    await this.close();
    const target = await this.#start();
    const many = Math.min(USERS_WITH_DEVICES, Math.floor(connections / DEVICES));
    const population = populationOf({ connections, connectPerSecond, usersWithDevices: many }, transports);
    try {
      const held = await openHeld(
        this.#stageOptions(target, population, connectPerSecond),
        holdMs,
        this.#options.withCanaries ?? true,
      );
      this.#shared = { key, target, held };
      return held;
    } catch (error) {
      await target.stop();
      throw error;
    }
  }

  async #fresh<Value>(
    wish: StageWish,
    use: (stage: Stage, target: Target) => Promise<Value>,
  ): Promise<Value> {
    return this.#alone(async (target) => {
      const stage = await this.#open(target, wish);
      try {
        return await use(stage, target);
      } finally {
        await stage.close();
      }
    });
  }

  async #alone<Value>(use: (target: Target) => Promise<Value>): Promise<Value> {
    await this.close();
    const target = await this.#start();
    try {
      return await use(target);
    } finally {
      await target.stop();
    }
  }

  async #hubs<Value>(count: number, use: (hubs: readonly Target[]) => Promise<Value>): Promise<Value> {
    const { startHubs } = this.#options;
    if (startHubs === null) throw new Skipped("it needs several hubs that bench has started");
    await this.close();
    const hubs = await startHubs(count);
    if (hubs === null) throw new Skipped(`there is no Redis; ${howToInstallRedis}`);
    try {
      this.lastTarget = hubs.targets[0] ?? null;
      return await use(hubs.targets);
    } finally {
      await hubs.stop();
    }
  }

  #open(target: Target, wish: StageWish): Promise<Stage> {
    const population = populationOf(wish, this.#options.transports);
    const { rules, ...options } = this.#stageOptions(target, population, wish.connectPerSecond);
    const { others = [], isKilled = false } = wish;
    return Stage.open({ ...options, rules: { ...rules, maySkip: isKilled }, others });
  }

  async #start(): Promise<Target> {
    this.lastTarget = await this.#options.startTarget();
    return this.lastTarget;
  }

  #stageOptions(target: Target, population: Population, connectPerSecond: number) {
    const { progress, signal } = this.#options;
    // Of one that runs already nobody knows what keeps its state.
    const isFirstAnywhere = target.kind === "remote" || target.flags.includes("--redis");
    const rules = { ...this.#options.rules, isFirstAnywhere };
    return { target, population, rules, connectPerSecond, progress, signal };
  }
}

function populationOf(
  { connections, mix, usersWithDevices = 0 }: StageWish,
  transports: readonly Transport[],
): Population {
  return {
    run: `bench-${randomBytes(4).toString("hex")}`,
    ...{ connections, usersWithDevices, devices: DEVICES },
    mix: mix ?? USUAL_MIX.filter((transport) => transports.includes(transport)),
  };
}
