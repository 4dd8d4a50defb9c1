import type { Gate } from "../gates/parse.ts";
import type { Conditions } from "../machine/validity.ts";
import type { Metrics } from "../metric.ts";
import type { Progress } from "../progress.ts";
import type { ScenarioResult } from "../result.ts";
import type { Stage } from "../stage.ts";
import type { Target } from "../target/target.ts";
import type { Transport } from "../transports.ts";
import type { Turns } from "../turns.ts";

/** How much of a scenario is done; which parts of it a scenario looks at is said in `sizes.ts`. */
export interface Size {
  readonly connections: number;
  readonly connectPerSecond: number;
  readonly holdMs: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Events a second; more than one: the load is put on once for each. */
  readonly rates: readonly number[];
  /** Clients that are another tool's, at the most; absent: 2,000. */
  readonly otherClients?: number;
}

export interface StageWish {
  readonly connections: number;
  readonly connectPerSecond: number;
  /** Transports that clients take in turn; absent: the usual mix. */
  readonly mix?: readonly Transport[];
  /** Users who have three devices each; absent: none. */
  readonly usersWithDevices?: number;
  /** Hubs that are part of what is measured, without being connected to; absent: none. */
  readonly others?: readonly Target[];
  /** Processes of the hub die: what it had committed and told nobody of yet may be replaced before it is read. */
  readonly isKilled?: boolean;
}

/** What a scenario runs on. */
export interface Bench {
  readonly size: Size;
  /** Of all scenarios, for tools that judge for themselves. */
  readonly gates: readonly Gate[];
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly canRestart: boolean;
  /** What the target has. */
  readonly transports: readonly Transport[];
  /** The other side of a comparison, to take turns with; null: there is none. */
  readonly turns: Turns | null;
  /** The population that scenarios share: connected by whoever asks first, with canaries. */
  held(): Promise<HeldStage>;
  /** A target and a population of its own; ended when `use` is. */
  fresh<Value>(wish: StageWish, use: (stage: Stage, target: Target) => Promise<Value>): Promise<Value>;
  /** A target of its own without anybody connected; ended when `use` is. */
  alone<Value>(use: (target: Target) => Promise<Value>): Promise<Value>;
  /** So many hubs that share one Redis; ended when `use` is. Throws `Skipped` where they can't be had. */
  hubs<Value>(count: number, use: (hubs: readonly Target[]) => Promise<Value>): Promise<Value>;
  /** A population of its own for such a hub; the caller closes it. */
  open(target: Target, wish: StageWish): Promise<Stage>;
}

export interface HeldStage {
  readonly stage: Stage;
  readonly connected: ConnectOutcome;
}

/** What came of connecting everybody, and holding them. */
export interface ConnectOutcome {
  readonly metrics: Metrics;
  readonly phases: ScenarioResult["phases"];
  readonly notes: readonly string[];
}

/** What a scenario has measured, before it is judged. */
export interface Measured {
  readonly variant: string | null;
  readonly title: string;
  readonly load: ScenarioResult["load"];
  readonly metrics: Metrics;
  /** Null: no time was measured. */
  readonly conditions: Conditions | null;
  readonly phases: ScenarioResult["phases"];
  readonly series: ScenarioResult["series"];
  readonly stages: ScenarioResult["stages"];
  readonly notes: readonly string[];
  /** Of what was measured, for gates on a rate. */
  readonly measuredMs: number;
  /** Absent: its load took no turns. */
  readonly rounds?: ScenarioResult["rounds"];
}

export interface Scenario {
  readonly id: string;
  /** For --help: what it does, in a few words. */
  readonly about: string;
  run(bench: Bench): AsyncGenerator<Measured, void>;
}

/** Ends a scenario that can't be run here: it is reported as skipped, in these words. */
export class Skipped extends Error {
  override readonly name = "Skipped";
}
