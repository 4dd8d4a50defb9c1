import { US_PER_TICK } from "./processes.ts";

/** Sums since boot over all cores, in microseconds. */
export interface CpuTimes {
  readonly cores: number;
  /** Nothing to do, or waiting for a disk. Not sampled by ticks as the busy times are, hence what busy is told by. */
  readonly idleUs: number;
  readonly stealUs: number;
  /** In interrupts, soft ones too: over loopback, most of what a segment costs. */
  readonly interruptUs: number;
}

/** All counts but the memory only grow. */
export interface MachineReading {
  /** Of `performance.now()`. */
  readonly atMs: number;
  /** null: the system does not tell, as with the next. */
  readonly cpu: CpuTimes | null;
  /** For how long some task has had to wait for a CPU, in microseconds since boot. */
  readonly pressureUs: number | null;
  /** Whether the kernel keeps the time of interrupts out of that of the process they came upon. */
  readonly interruptsApart: boolean;
  /** CPU of the hub's processes; null: it runs here, and nobody knows which they are. */
  readonly hubCpuUs: number | null;
  /** CPU of the processes that make and measure the load. */
  readonly loadCpuUs: number;
  /** CPU of those and everything else that the bench has started. */
  readonly oursCpuUs: number;
  /** null: the system does not tell, or nobody asked. */
  readonly hubPssKib: number | null;
}

/** Shares of all cores' time, 0 to 1; null: the system does not tell. */
export interface MachineLoad {
  readonly steal: number | null;
  readonly busy: number | null;
  /** Busy with what is not ours; null too where the hub's processes are not known. */
  readonly foreign: number | null;
  /** Share of the time in which some task waited for a CPU. */
  readonly pressure: number | null;
}

/** Of `/proc/stat` (proc_stat(5)); null where it is none. */
export function parseCpuTimes(text: string): CpuTimes | null {
  const [, line] = /^cpu +(.+)$/m.exec(text) ?? [];
  if (line === undefined) return null;
  const [, , , idle = 0, ioWait = 0, hard = 0, soft = 0, steal = 0] = line.split(" ").map(Number);
  const us = (ticks: number): number => ticks * US_PER_TICK;
  const cores = [...text.matchAll(/^cpu\d/gm)].length;
  return { cores, idleUs: us(idle + ioWait), stealUs: us(steal), interruptUs: us(hard + soft) };
}

/** `some` of `/proc/pressure/cpu`, in microseconds since boot; null where it is none. */
export function parsePressureUs(text: string): number | null {
  const [, total] = /^some .*total=(\d+)/m.exec(text) ?? [];
  return total === undefined ? null : Number(total);
}

/** What the machine did between the two. */
export function loadBetween(before: MachineReading, after: MachineReading): MachineLoad {
  const wallUs = (after.atMs - before.atMs) * 1_000;
  const waitedUs = difference(before.pressureUs, after.pressureUs);
  const pressure = waitedUs === null ? null : Math.min(1, waitedUs / wallUs);
  if (before.cpu === null || after.cpu === null) return { steal: null, busy: null, foreign: null, pressure };
  const allUs = wallUs * after.cpu.cores;
  const stealUs = after.cpu.stealUs - before.cpu.stealUs;
  const busyUs = Math.max(0, allUs - stealUs - (after.cpu.idleUs - before.cpu.idleUs));
  // Where it is kept apart, it may be ours as well as not: what is foreign is rather told too low than too high.
  const apartUs = after.interruptsApart ? after.cpu.interruptUs - before.cpu.interruptUs : 0;
  const foreignUs = Math.max(0, busyUs - apartUs - (after.oursCpuUs - before.oursCpuUs));
  return {
    steal: stealUs / allUs,
    busy: busyUs / allUs,
    foreign: after.hubCpuUs === null ? null : foreignUs / allUs,
    pressure,
  };
}

/** The whole time from `fromMs` to `toMs`, and the worst of it. */
export interface LoadRecord {
  readonly mean: MachineLoad;
  /** Of each figure, the highest between two readings in a row: about a second, more in a run of over half an hour. */
  readonly worst: MachineLoad;
}

/** null: not two readings in that time. */
export function loadIn(readings: readonly MachineReading[], fromMs: number, toMs: number): LoadRecord | null {
  const inside = readings.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  const [first, last] = [inside[0], inside.at(-1)];
  if (first === undefined || last === undefined || first === last) return null;
  const steps = pairs(inside).map(([before, after]) => loadBetween(before, after));
  const worst = (name: keyof MachineLoad): number | null => {
    const told = steps.map((step) => step[name]).filter((value) => value !== null);
    return told.length === 0 ? null : Math.max(...told);
  };
  return {
    mean: loadBetween(first, last),
    worst: {
      steal: worst("steal"),
      busy: worst("busy"),
      foreign: worst("foreign"),
      pressure: worst("pressure"),
    },
  };
}

/** null: one of them is not known. */
export function difference(before: number | null, after: number | null): number | null {
  return before === null || after === null ? null : after - before;
}

export function pairs<T>(items: readonly T[]): [T, T][] {
  return items.slice(1).flatMap((after, index) => {
    const before = items[index];
    return before === undefined ? [] : [[before, after] satisfies [T, T]];
  });
}
