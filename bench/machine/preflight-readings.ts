import { setTimeout as wait } from "node:timers/promises";
import { readCpuQuota } from "./cpu-quota.ts";
import { loadBetween, type MachineLoad } from "./load.ts";
import { listProc, numberAt, readProc } from "./proc.ts";
import { ProcessTree } from "./process-tree.ts";
import { machineReader } from "./sampler.ts";

/** What the machine has to offer. null: the system does not tell, or has no such limit. */
export interface PreflightReadings {
  /** Of this process, and so of all it starts: Node.js raises the soft limit to the hard one when it starts. */
  readonly openFiles: number | null;
  readonly localPorts: { readonly first: number; readonly last: number } | null;
  /** 0: a port of a connection that ended waits a minute; 1: a second; 2: the same, over loopback only. */
  readonly timeWaitReuse: number | null;
  /** Sockets that wait so now. */
  readonly timeWaits: number | null;
  readonly availableBytes: number | null;
  readonly somaxconn: number | null;
  readonly conntrack: { readonly max: number; readonly count: number } | null;
  /** Of a second, without a load. */
  readonly idle: MachineLoad;
  /** Of the last minute: processes that ran or waited for it. */
  readonly loadAverage: number | null;
  readonly cores: number;
  /** Of the cores, each once; empty: not told, as in virtual machines. */
  readonly governors: readonly string[];
  /** How many cores' time this process and its children may use together. */
  readonly cpuQuota: number | null;
}

const IDLE_MS = 1_000;

/** Takes a second. */
export async function readForPreflight(): Promise<PreflightReadings> {
  const read = machineReader({ hub: new ProcessTree([]), load: new ProcessTree([]) });
  const before = read("all");
  await wait(IDLE_MS);
  const after = read("all");
  const [, first, last] = /^(\d+)\s+(\d+)/.exec(sysctl("net/ipv4/ip_local_port_range") ?? "") ?? [];
  const conntrackMax = count("net/netfilter/nf_conntrack_max");
  const conntrackCount = count("net/netfilter/nf_conntrack_count");
  const availableKib = numberAt(readProc("/proc/meminfo"), /^MemAvailable:\s+(\d+) kB/m);
  return {
    openFiles: parseOpenFiles(readProc("/proc/self/limits") ?? ""),
    localPorts: first === undefined ? null : { first: Number(first), last: Number(last) },
    timeWaitReuse: count("net/ipv4/tcp_tw_reuse"),
    timeWaits: numberAt(readProc("/proc/net/sockstat"), /^TCP: .*\btw (\d+)/m),
    availableBytes: availableKib === null ? null : availableKib * 1_024,
    somaxconn: count("net/core/somaxconn"),
    conntrack:
      conntrackMax === null || conntrackCount === null ? null : { max: conntrackMax, count: conntrackCount },
    idle: loadBetween(before, after),
    loadAverage: numberAt(readProc("/proc/loadavg"), /^([\d.]+) /),
    cores: after.cpu?.cores ?? 1,
    governors: [...new Set(governors())],
    cpuQuota: readCpuQuota(),
  };
}

/** The soft limit of `/proc/<pid>/limits`; null: none. */
export function parseOpenFiles(limits: string): number | null {
  return numberAt(limits, /^Max open files +(\d+)/m);
}

function governors(): readonly string[] {
  return listProc("/sys/devices/system/cpu")
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => readProc(`/sys/devices/system/cpu/${name}/cpufreq/scaling_governor`)?.trim() ?? "")
    .filter((governor) => governor !== "");
}

function sysctl(name: string): string | null {
  return readProc(`/proc/sys/${name}`);
}

function count(name: string): number | null {
  return numberAt(sysctl(name), /^(\d+)/);
}
