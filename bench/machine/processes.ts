import { listProc, numberAt, readProc } from "./proc.ts";

// What the kernel says of processes: who they are, whose children, what they cost.

type ProcessKind = "primary" | "core" | "gateway" | "other";

export interface HubProcessInfo {
  readonly pid: number;
  readonly kind: ProcessKind;
}

/** The one place that knows what the command lines of the hub's processes look like. */
const ENTRIES: readonly (readonly [ProcessKind, RegExp])[] = [
  ["core", /core-process/],
  ["gateway", /gateway-process/],
  ["primary", /progress-hub\.js\0serve\0/],
];

/** null: it has ended; a zombie has no command line. */
export function processInfo(pid: number): HubProcessInfo | null {
  const line = readProc(`/proc/${pid}/cmdline`) ?? "";
  if (line === "") return null;
  const [kind] = ENTRIES.find(([, pattern]) => pattern.test(line)) ?? ["other" as const];
  return { pid, kind };
}

/** The process's own children that are alive. */
export function childrenOf(pid: number): readonly HubProcessInfo[] {
  return childPidsOf(pid)
    .map(processInfo)
    .filter((info) => info !== null);
}

/** Zombies too. A child belongs to the thread that started it. */
function childPidsOf(pid: number): readonly number[] {
  return listProc(`/proc/${pid}/task`).flatMap((thread) =>
    [...(readProc(`/proc/${pid}/task/${thread}/children`) ?? "").matchAll(/\d+/g)].map(Number),
  );
}

/** These processes and all that descend from them, each once. */
export function withDescendants(pids: Iterable<number>): ReadonlySet<number> {
  const found = new Set(pids);
  // A set is walked on to what is added meanwhile.
  for (const pid of found) for (const child of childPidsOf(pid)) found.add(child);
  return found;
}

/** Of `/proc/<pid>/stat` (proc_pid_stat(5)). */
export interface ProcessStat {
  /** Ticks since boot: with the pid, it tells a process from a later one. */
  readonly startTicks: number;
  /** User and system time of all its threads, ended ones too, cut down to whole ticks. */
  readonly cpuUs: number;
}

/** What the kernel shows as a tick, on every architecture that Node.js runs on. */
export const US_PER_TICK = 10_000;

/** null: no such process. */
export function statOf(pid: number): ProcessStat | null {
  const text = readProc(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

export function parseStat(text: string): ProcessStat {
  // The name in parentheses may hold spaces and parentheses itself; field 3 is the first after it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3]);
  return { startTicks: field(22), cpuUs: (field(14) + field(15)) * US_PER_TICK };
}

/** Time on the CPU of each thread that lives, by its id, in nanoseconds; empty where the kernel does not tell. */
export function threadTimesOf(pid: number): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const thread of listProc(`/proc/${pid}/task`)) {
    const ns = numberAt(readProc(`/proc/${pid}/task/${thread}/schedstat`), /^(\d+) /);
    if (ns !== null) times.set(thread, ns);
  }
  return times;
}

/** Proportional set size in KiB: what it shares counts by its share. 0: a zombie. null: ended, or another user's. */
export function pssKibOf(pid: number): number | null {
  const text = readProc(`/proc/${pid}/smaps_rollup`);
  return text === null ? null : (numberAt(text, /^Pss:\s+(\d+) kB$/m) ?? 0);
}
