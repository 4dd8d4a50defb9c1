import type { LoadRecord } from "./load.ts";
import { percent } from "./percent.ts";

/** What was seen of the conditions of a measurement; null: not known or not of this scenario, which is not judged. */
export interface Conditions {
  readonly machine: LoadRecord | null;
  /** Of the load generators' event loops, the worst of them. */
  readonly loopDelayP99Ms: number | null;
  /** How late k6 came to what it had received; absent: it had no part. */
  readonly k6LagP99Ms?: number | null;
  /** How late the emitter sent what was due. */
  readonly emitterLagP99Ms: number | null;
  /** Events sent by events due, 0 to 1. */
  readonly rateReached: number | null;
}

/** Where nothing but the machine was watched. */
export function ofMachineAlone(machine: LoadRecord | null): Conditions {
  return { machine, loopDelayP99Ms: null, emitterLagP99Ms: null, rateReached: null };
}

export interface Validity {
  /** false: what was measured says more of the machine than of the hub. */
  readonly conclusive: boolean;
  /** A sentence each: the figure, its limit, and what to do. */
  readonly reasons: readonly string[];
  /** All of them in one short line: `busy machine: steal 8.9 %`; null where there are none. */
  readonly brief: string | null;
}

/**
 * Calibrated on 2 cores (Linux 6.18, Node.js 20.20), with processes that do nothing but burn CPU: one of them is told as
 * 49 % foreign, nobody as 0.3 %. Timers of three processes that work every 5 ms and fill 70 to 83 % of both cores by
 * themselves: pressure 15 to 38 %, p99 of their delay 1.4 to 4.3 ms; with one or two burners 63 to 79 %, 4.7 to 6.9 ms;
 * with four 98 %, 12 to 18 ms, and 120 ms at most. A hub with 1,000 clients and 1,000 events a second beside others' work:
 * pressure 30 %, p99 22 to 31 ms; 61 to 66 %, from 56 ms; 98 % and more, seconds.
 */
export const LIMITS = {
  steal: 0.02,
  foreign: 0.1,
  pressure: 0.8,
  loopDelayP99Ms: 20,
  emitterLagP99Ms: 5,
  rateReached: 0.99,
} as const;

export function judgeConditions(conditions: Conditions): Validity {
  const { machine, loopDelayP99Ms, k6LagP99Ms = null, emitterLagP99Ms, rateReached } = conditions;
  const doubts = [
    ...machineDoubts(machine),
    above(loopDelayP99Ms, LIMITS.loopDelayP99Ms, (ms) => ({
      brief: `generators ${ms.toFixed(1)} ms late`,
      seen: `A load generator's event loop was ${ms.toFixed(1)} ms late (p99, at most ${LIMITS.loopDelayP99Ms} ms)`,
      advice: "give each fewer connections, with more generators on more cores",
    })),
    above(k6LagP99Ms, LIMITS.loopDelayP99Ms, (ms) => ({
      brief: `k6 ${ms.toFixed(1)} ms late`,
      seen: `k6 was ${ms.toFixed(1)} ms late for what it had received (p99, at most ${LIMITS.loopDelayP99Ms} ms)`,
      advice: "give it fewer connections, or more cores",
    })),
    above(emitterLagP99Ms, LIMITS.emitterLagP99Ms, (ms) => ({
      brief: `events sent ${ms.toFixed(1)} ms late`,
      seen: `Events were sent ${ms.toFixed(1)} ms after they were due (p99, at most ${LIMITS.emitterLagP99Ms} ms)`,
      advice: "lower the rate, or give the emitter a core of its own",
    })),
    rateReached === null || rateReached >= LIMITS.rateReached
      ? null
      : {
          brief: `${percent(rateReached)} of events sent`,
          seen: `Only ${percent(rateReached)} of the events that were due were sent (at least ${percent(LIMITS.rateReached)})`,
          advice: "lower the rate, or give the hub more cores",
        },
  ].filter((doubt) => doubt !== null);
  return {
    conclusive: doubts.length === 0,
    reasons: doubts.map(({ seen, advice }) => `${seen}: ${advice}.`),
    brief: doubts.length === 0 ? null : `busy machine: ${doubts.map(({ brief }) => brief).join(", ")}`,
  };
}

/** What speaks against a measurement: in a few words, in a sentence, and what to do about it. */
interface Doubt {
  readonly brief: string;
  readonly seen: string;
  readonly advice: string;
}

function machineDoubts(machine: LoadRecord | null): (Doubt | null)[] {
  if (machine === null) return [];
  const { mean, worst } = machine;
  const figure = (name: "steal" | "foreign" | "pressure", share: number): string =>
    `${percent(share)} of the time (at most ${percent(LIMITS[name])}; ${percent(worst[name] ?? share)} at worst)`;
  return [
    above(mean.steal, LIMITS.steal, (share) => ({
      brief: `steal ${percent(share)}`,
      seen: `The hypervisor gave this machine's CPUs to others for ${figure("steal", share)}`,
      advice: "run it again, or on a machine whose CPUs are its own",
    })),
    above(mean.foreign, LIMITS.foreign, (share) => ({
      brief: `other processes ${percent(share)}`,
      seen: `Other processes had this machine's CPUs for ${figure("foreign", share)}`,
      advice: "stop them (`top` names them) and run it again",
    })),
    above(mean.pressure, LIMITS.pressure, (share) => ({
      brief: `CPU pressure ${percent(share)}`,
      seen: `Some process waited for a CPU for ${figure("pressure", share)}`,
      advice: "lower the load, or run it on more cores",
    })),
  ];
}

function above(value: number | null, limit: number, doubt: (value: number) => Doubt): Doubt | null {
  return value === null || value <= limit ? null : doubt(value);
}
