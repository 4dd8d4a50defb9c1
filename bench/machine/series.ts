import type { Series } from "../result.ts";
import { difference, type MachineReading, pairs } from "./load.ts";

const KIB_PER_MIB = 1_024;

/** The machine's part of the report's curves, in seconds since `zeroMs` of `performance.now()`; what is not known has no point. */
export function machineSeries(readings: readonly MachineReading[], zeroMs: number): readonly Series[] {
  const secondsOf = ({ atMs }: MachineReading): number => (atMs - zeroMs) / 1_000;
  const cores = (cpuUsOf: (reading: MachineReading) => number | null): Series["points"] =>
    pairs(readings).flatMap(([before, after]) => {
      const usedUs = difference(cpuUsOf(before), cpuUsOf(after));
      return usedUs === null ? [] : [[secondsOf(after), usedUs / 1_000 / (after.atMs - before.atMs)]];
    });
  return [
    { name: "CPU hub", unit: "cores", points: cores(({ hubCpuUs }) => hubCpuUs) },
    { name: "CPU load", unit: "cores", points: cores(({ loadCpuUs }) => loadCpuUs) },
    {
      name: "memory hub",
      unit: "MiB",
      points: readings.flatMap((reading) =>
        reading.hubPssKib === null ? [] : [[secondsOf(reading), reading.hubPssKib / KIB_PER_MIB]],
      ),
    },
  ];
}
