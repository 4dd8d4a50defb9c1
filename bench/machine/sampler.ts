import { type MachineReading, parseCpuTimes, parsePressureUs } from "./load.ts";
import { readProc } from "./proc.ts";
import { ProcessTree } from "./process-tree.ts";

export interface MeasuredProcesses {
  /** null: it runs on this machine, and nobody knows which processes are its. Without roots: it runs elsewhere. */
  readonly hub: ProcessTree | null;
  /** Load generators and emitter. This process and its descendants are ours anyhow. */
  readonly load: ProcessTree;
}

export interface Sampler {
  /** So far, the oldest first. */
  readonly readings: readonly MachineReading[];
  /** One beside them, without the memory, which takes most of the time that a reading does. */
  readNow(): MachineReading;
  /** Takes a last one. */
  stop(): void;
}

const PERIOD_MS = 1_000;
/** Then every other is dropped, and from then on the time between two is twice as long. */
const MAX_READINGS = 1_800;

/** Looks at the machine once a second from now on: 15 ms of CPU each, with a hub of one process and its load on a busy machine. */
export function startSampler(processes: MeasuredProcesses): Sampler {
  const read = machineReader(processes);
  let periodMs = PERIOD_MS;
  let readings = [read("all")];
  const take = (): void => {
    readings.push(read("all"));
    if (readings.length < MAX_READINGS) return;
    readings = readings.filter((_, index) => index % 2 === 0);
    periodMs *= 2;
    clearInterval(timer);
    timer = setInterval(take, periodMs);
  };
  let timer = setInterval(take, periodMs);
  return {
    get readings() {
      return readings;
    },
    readNow: () => read("all but memory"),
    stop() {
      clearInterval(timer);
      readings.push(read("all"));
    },
  };
}

/** Reads what a sampler does, when it is called. */
export function machineReader({
  hub,
  load,
}: MeasuredProcesses): (what: "all" | "all but memory") => MachineReading {
  const ours = new ProcessTree([process.pid, ...(hub?.roots ?? []), ...load.roots]);
  // That file is there where the kernel keeps the time of interrupts (CONFIG_IRQ_TIME_ACCOUNTING), and only there.
  const interruptsApart = readProc("/proc/pressure/irq") !== null;
  return (what) => ({
    atMs: performance.now(),
    cpu: parseCpuTimes(readProc("/proc/stat") ?? ""),
    pressureUs: parsePressureUs(readProc("/proc/pressure/cpu") ?? ""),
    interruptsApart,
    oursCpuUs: ours.cpuUs(),
    hubCpuUs: hub?.cpuUs() ?? null,
    loadCpuUs: load.cpuUs(),
    hubPssKib: what === "all" ? (hub?.pssKib() ?? null) : null,
  });
}
