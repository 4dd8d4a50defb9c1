import type { Gate } from "../gates/parse.ts";
import type { AuditRules } from "../load/audit.ts";
import type { Progress } from "../progress.ts";
import type { GateVerdict } from "../result.ts";
import { runBench } from "../run.ts";
import type { Size } from "../scenarios/scenario.ts";
import { planOf } from "../sizes.ts";
import { TargetDied } from "../target/alive.ts";
import type { Target } from "../target/target.ts";
import { TRANSPORTS } from "../transports.ts";
import { FAULTS, type Fault } from "./faults.ts";
import { proxied } from "./proxy.ts";
import { judgeTrial, type Trial } from "./verdict.ts";

export interface SelfTestOptions {
  readonly gates: readonly Gate[];
  readonly size: Size;
  readonly rules: AuditRules;
  readonly startTarget: () => Promise<Target>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Told of each as soon as it is there. */
  readonly onTrial: (trial: Trial) => void;
}

/** Few clients and a short time: what is asked is whether a fault is told, not how a hub does. */
export const SELF_TEST_SIZE: Size = {
  connections: 300,
  connectPerSecond: 500,
  holdMs: 200,
  warmUpMs: 300,
  measureMs: 2_500,
  rates: [600],
};

/**
 * Runs the bench against one hub, once as it is and once with each fault between it and the clients. Rejects with
 * `TargetDied`, and when `signal` aborts, after everything has been ended.
 */
export async function runSelfTest(options: SelfTestOptions): Promise<readonly Trial[]> {
  const hub = await options.startTarget();
  try {
    const trials: Trial[] = [];
    let without: readonly GateVerdict[] | null = null;
    for (const fault of FAULTS) {
      const { trial, gates } = await tryFault(fault, hub, without, options);
      without ??= gates;
      trials.push(trial);
      options.onTrial(trial);
    }
    return trials;
  } finally {
    await hub.stop();
  }
}

async function tryFault(
  fault: Fault,
  hub: Target,
  without: readonly GateVerdict[] | null,
  { gates, size, rules, progress, signal }: SelfTestOptions,
): Promise<{ readonly trial: Trial; readonly gates: readonly GateVerdict[] }> {
  const beganMs = performance.now();
  const { result, died } = await runBench({
    scenarios: planOf("smoke", fault.scenarios, {}).map(({ scenario }) => ({ scenario, size })),
    gates,
    profile: "smoke",
    command: "progress-hub bench --self-test",
    startTarget: () => proxied(hub, fault.plant()),
    canRestart: false,
    startHubs: null,
    transports: TRANSPORTS,
    rules,
    progress: {
      phase: (scenario, phase) => progress.phase(`${fault.id}: ${scenario}`, phase),
      numbers: (numbers) => progress.numbers(numbers),
    },
    signal,
    onScenario: () => undefined,
  });
  if (died !== null) throw new TargetDied(died);
  const judged = judgeTrial(fault, result.scenarios, without, (metric) =>
    gates.some((gate) => `${gate.scenario}.${gate.metric}` === metric && !gate.correctness),
  );
  return {
    trial: { ...judged, durationMs: performance.now() - beganMs },
    gates: result.scenarios.flatMap((scenario) => scenario.gates),
  };
}
