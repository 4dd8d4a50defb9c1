import type { LoadRecord } from "./load.ts";
import { percent } from "./percent.ts";

/** What was seen of the conditions of a measurement; null: not known or not of this scenario, which is not judged. */
export interface Conditions {
  readonly machine: LoadRecord | null;
  /** Of the load generators' event loops, the worst of them. */
  readonly loopDelayP99Ms: number | null;
  /** How late the emitter sent what was due. */
  readonly emitterLagP99Ms: number | null;
  /** Events sent by events due, 0 to 1. */
  readonly rateReached: number | null;
}

export interface Validity {
  /** false: what was measured says more of the machine than of the hub. */
  readonly conclusive: boolean;
  /** A sentence each: the figure, its limit, and what to do. */
  readonly reasons: readonly string[];
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
  const { machine, loopDelayP99Ms, emitterLagP99Ms, rateReached } = conditions;
  const reasons = [
    ...machineReasons(machine),
    above(loopDelayP99Ms, LIMITS.loopDelayP99Ms, (ms) => [
      `A load generator's event loop was ${ms.toFixed(1)} ms late (p99, at most ${LIMITS.loopDelayP99Ms} ms)`,
      "give each fewer connections, with more generators on more cores",
    ]),
    above(emitterLagP99Ms, LIMITS.emitterLagP99Ms, (ms) => [
      `Events were sent ${ms.toFixed(1)} ms after they were due (p99, at most ${LIMITS.emitterLagP99Ms} ms)`,
      "lower the rate, or give the emitter a core of its own",
    ]),
    rateReached === null || rateReached >= LIMITS.rateReached
      ? null
      : sentence(
          `Only ${percent(rateReached)} of the events that were due were sent (at least ${percent(LIMITS.rateReached)})`,
          "lower the rate, or give the hub more cores",
        ),
  ].filter((reason) => reason !== null);
  return { conclusive: reasons.length === 0, reasons };
}

function machineReasons(machine: LoadRecord | null): (string | null)[] {
  if (machine === null) return [];
  const { mean, worst } = machine;
  const figure = (name: "steal" | "foreign" | "pressure", share: number): string =>
    `${percent(share)} of the time (at most ${percent(LIMITS[name])}; ${percent(worst[name] ?? share)} at worst)`;
  return [
    above(mean.steal, LIMITS.steal, (share) => [
      `The hypervisor gave this machine's CPUs to others for ${figure("steal", share)}`,
      "run it again, or on a machine whose CPUs are its own",
    ]),
    above(mean.foreign, LIMITS.foreign, (share) => [
      `Other processes had this machine's CPUs for ${figure("foreign", share)}`,
      "stop them (`top` names them) and run it again",
    ]),
    above(mean.pressure, LIMITS.pressure, (share) => [
      `Some process waited for a CPU for ${figure("pressure", share)}`,
      "lower the load, or run it on more cores",
    ]),
  ];
}

function above(
  value: number | null,
  limit: number,
  words: (value: number) => readonly [seen: string, advice: string],
): string | null {
  return value === null || value <= limit ? null : sentence(...words(value));
}

function sentence(seen: string, advice: string): string {
  return `${seen}: ${advice}.`;
}
