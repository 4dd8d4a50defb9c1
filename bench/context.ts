import { randomBytes } from "node:crypto";
import type { Gate } from "./gates/parse.ts";
import { openHeld } from "./held-stage.ts";
import type { AuditRules } from "./load/audit.ts";
import type { Population } from "./load/population.ts";
import type { Progress } from "./progress.ts";
import type { Bench, HeldStage, Size, StageWish } from "./scenarios/scenario.ts";
import { Stage } from "./stage.ts";
import type { Target } from "./target/target.ts";
import { type Transport, USUAL_MIX } from "./transports.ts";

export interface ContextOptions {
  /** Starts one, or names the one that runs already. */
  readonly startTarget: () => Promise<Target>;
  readonly canRestart: boolean;
  /** What the target has. */
  readonly transports: readonly Transport[];
  readonly rules: AuditRules;
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
    const { progress, signal, canRestart, transports, gates } = this.#options;
    return {
      ...{ size, gates, progress, signal, canRestart, transports },
      held: () => this.#held(size),
      fresh: (wish, use) => this.#fresh(wish, use),
      alone: (use) => this.#alone(use),
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
      const population = populationOf(wish, this.#options.transports);
      const stage = await Stage.open(this.#stageOptions(target, population, wish.connectPerSecond));
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

  async #start(): Promise<Target> {
    this.lastTarget = await this.#options.startTarget();
    return this.lastTarget;
  }

  #stageOptions(target: Target, population: Population, connectPerSecond: number) {
    const { rules, progress, signal } = this.#options;
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
