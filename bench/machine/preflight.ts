import { countText } from "../count-text.ts";
import { type Finding, ok, refusal, warning } from "./finding.ts";
import { cpuFindings } from "./preflight-cpu.ts";
import type { PreflightReadings } from "./preflight-readings.ts";

/** What is about to be run. */
export interface RunPlan {
  readonly connections: number;
  /** Processes that share them evenly. */
  readonly generators: number;
  /** Whether the hub runs on this machine: its sockets, its memory, and more than one address to reach it at. */
  readonly hubHere: boolean;
  /** Targets that are there at the same time, each with as many connections. */
  readonly sides: number;
}

/** What a process has open beside its clients. */
const OTHER_FILES = 200;
/** Near the end of the range, finding a free port takes long. */
const PORTS_IN_USE = 0.8;
/** Generator, hub, and the kernel at both ends, after traffic. */
const BYTES_PER_CONNECTION = 96 * 1_024;
const BYTES_AT_REST = 600 * 1_024 * 1_024;
const MIB = 1_024 * 1_024;
/** What Node.js listens with. */
const BACKLOG = 511;

/** Every finding there is, in an order for people; a run is to be refused if one of them is a refusal. */
export function judgePreflight(plan: RunPlan, readings: PreflightReadings): readonly Finding[] {
  return [
    openFiles(plan, readings),
    localPorts(plan, readings),
    memory(plan, readings),
    backlog(readings),
    conntrack(plan, readings),
    ...cpuFindings(readings),
  ].filter((finding) => finding !== null);
}

/** How many 127.0.0.N the clients are to connect to, so that none runs out of local ports; 1 for a hub elsewhere. */
export function destinationsFor(plan: RunPlan, readings: PreflightReadings): number {
  const ports = usablePorts(readings);
  return plan.hubHere && ports !== null ? Math.max(1, Math.ceil(allOf(plan) / ports)) : 1;
}

function openFiles({ connections, generators, hubHere }: RunPlan, { openFiles }: PreflightReadings): Finding {
  if (openFiles === null) return ok("open files: no limit");
  const each = Math.ceil(connections / generators) + OTHER_FILES;
  // When all but one gateway are away, that one has all clients.
  const needed = hubHere ? Math.max(each, connections + OTHER_FILES) : each;
  const who =
    needed > each
      ? `one process of the hub may hold ${countText(needed)}`
      : `a load generator holds ${countText(needed)}`;
  const what = `open files: ${who}, the limit is ${countText(openFiles)}`;
  if (needed <= openFiles) return ok(what);
  return refusal(what, `ulimit -n ${needed} || sudo prlimit --pid $$ --nofile=${needed}:${needed}`);
}

function localPorts(plan: RunPlan, readings: PreflightReadings): Finding | null {
  const ports = usablePorts(readings);
  if (ports === null) return null;
  const destinations = destinationsFor(plan, readings);
  const what = `local ports: ${countText(ports)} usable for each address of the hub, for ${countText(allOf(plan))} connections`;
  const addresses = destinations === 1 ? "" : ` to 127.0.0.1 to 127.0.0.${destinations}`;
  if (allOf(plan) <= ports * destinations) return ok(`${what}${addresses}`);
  return refusal(
    what,
    'sudo sysctl -w net.ipv4.ip_local_port_range="10240 65535", or fewer connections from this machine',
  );
}

/** Without those that still wait after a run before. null: not told. */
function usablePorts({ localPorts, timeWaitReuse, timeWaits }: PreflightReadings): number | null {
  if (localPorts === null) return null;
  const waiting = timeWaitReuse === 0 ? (timeWaits ?? 0) : 0;
  const all = localPorts.last - localPorts.first + 1;
  return Math.max(1, Math.floor(all * PORTS_IN_USE) - waiting);
}

function memory(plan: RunPlan, { availableBytes }: PreflightReadings): Finding | null {
  if (availableBytes === null) return null;
  const needed = allOf(plan) * BYTES_PER_CONNECTION + plan.sides * BYTES_AT_REST;
  const what = `memory: about ${countText(needed / MIB)} MiB needed, ${countText(availableBytes / MIB)} MiB available`;
  if (availableBytes < needed) return refusal(what, "fewer connections, or end what uses the memory");
  return availableBytes < 2 * needed ? warning(what, "end what uses the memory, lest it swaps") : ok(what);
}

function backlog({ somaxconn }: PreflightReadings): Finding | null {
  if (somaxconn === null) return null;
  const what = `net.core.somaxconn: ${countText(somaxconn)}, Node.js listens with ${BACKLOG}`;
  return somaxconn >= BACKLOG ? ok(what) : warning(what, `sudo sysctl -w net.core.somaxconn=4096`);
}

function conntrack(plan: RunPlan, { conntrack }: PreflightReadings): Finding | null {
  if (conntrack === null) return null;
  const connections = allOf(plan);
  const { max, count } = conntrack;
  const what = `net.netfilter.nf_conntrack_max: ${countText(max)}, ${countText(count)} in use`;
  if (max - count >= 2 * connections) return ok(what);
  const fix = `sudo sysctl -w net.netfilter.nf_conntrack_max=${count + 4 * connections}`;
  // Without a rule that needs it, nothing is tracked, whatever the limit.
  return count > 0 && max - count < connections ? refusal(what, fix) : warning(what, fix);
}

/** Connections of all sides. */
function allOf({ connections, sides }: RunPlan): number {
  return sides * connections;
}
