import { spawn } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { listProc, numberAt, readProc } from "./proc.ts";

// What the kernel says of TCP. With 20,000 sockets on loopback, reading and splitting /proc/net/tcp holds up the event
// loop for 100 ms, since its walk is in 4 KB steps; `ss` filters in the kernel and counts 10,000 in 45 ms, in a process
// of its own; the machine's sum is there in 0.1 ms. So: the sum every second, `ss` where a gate asks.

/** Established connections of the whole machine (the network namespace); one over loopback counts twice, once an end. */
export function establishedOnMachine(): number | null {
  return parseCurrEstab(readProc("/proc/net/snmp") ?? "");
}

/** CurrEstab of `/proc/net/snmp`, a line of names above a line of values; null: not there. */
export function parseCurrEstab(text: string): number | null {
  const [names = [], values = []] = [...text.matchAll(/^Tcp: (.+)$/gm)].map(([, rest = ""]) =>
    rest.split(" "),
  );
  const value = values[names.indexOf("CurrEstab")];
  return value === undefined ? null : Number(value);
}

/** `local`: the accepting end is here. `peer`: the connecting end is, the port is that of the other machine. */
export type PortEnd = "local" | "peer";

/** How many established connections to these ports there are, by the kernel's word. Rejects with the words of `ss`. */
export async function establishedTo(ports: readonly number[], end: PortEnd = "local"): Promise<number> {
  const side = end === "local" ? "sport" : "dport";
  const filter = `( ${ports.map((port) => `${side} = :${port}`).join(" or ")} )`;
  return (await countLines("ss", ["-Htn", "state", "established", filter])) ?? fromProc(ports, end);
}

/** null: there is no such program. Counts bytes instead of keeping a megabyte of text. */
async function countLines(program: string, args: readonly string[]): Promise<number | null> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let [lines, stderr] = [0, ""];
  child.stdout.on("data", (chunk: Buffer) => {
    for (let at = chunk.indexOf("\n"); at >= 0; at = chunk.indexOf("\n", at + 1)) lines += 1;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += String(chunk);
  });
  try {
    await once(child, "close");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
  if (child.exitCode !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr.trim()}`);
  return lines;
}

function fromProc(ports: readonly number[], end: PortEnd): number {
  const wanted = new Set(ports);
  return established().filter((one) => wanted.has(end === "local" ? one.localPort : one.peerPort)).length;
}

interface EstablishedSocket {
  readonly localPort: number;
  readonly peerPort: number;
  readonly inode: string;
}

function established(): readonly EstablishedSocket[] {
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) => parseEstablished(readProc(path) ?? ""));
}

const ESTABLISHED = "01";

/** Of `/proc/net/tcp` or `/proc/net/tcp6` (proc_pid_net(5)). */
export function parseEstablished(text: string): readonly EstablishedSocket[] {
  const sockets: EstablishedSocket[] = [];
  for (const line of text.split("\n")) {
    const [, local = "", peer = "", state, , , , , , inode = ""] = line.trim().split(/\s+/);
    if (state === ESTABLISHED) sockets.push({ localPort: portOf(local), peerPort: portOf(peer), inode });
  }
  return sockets;
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.indexOf(":") + 1), 16);
}

/** How many established connections to `port` the process holds the accepting end of; it looks at each descriptor. */
export function connectionsTo(port: number, pid: number): number {
  const inodes = new Set(established().flatMap((one) => (one.localPort === port ? [one.inode] : [])));
  const folder = `/proc/${pid}/fd`;
  return listProc(folder).filter((name) => inodes.has(socketInodeAt(`${folder}/${name}`))).length;
}

function socketInodeAt(path: string): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1] ?? "";
  } catch {
    return "";
  }
}

/** Of the whole machine, both ends of what goes over loopback. */
export interface KernelMemory {
  /** What waits in buffers of TCP, to be sent or read: 0 for idle connections. */
  readonly tcpBufferBytes: number;
  /** The kernel's own objects, page cache's among them: an idle connection takes 4.4 KB an end. Only its change tells. */
  readonly slabBytes: number;
}

/** null: the system does not tell. */
export function kernelMemory(): KernelMemory | null {
  return parseKernelMemory({
    sockstat: readProc("/proc/net/sockstat"),
    meminfo: readProc("/proc/meminfo"),
    // The kernel's page, in which sockstat counts, is that of every mapping that asks for no larger one.
    smaps: readProc("/proc/self/smaps"),
  });
}

export function parseKernelMemory(texts: {
  readonly sockstat: string | null;
  readonly meminfo: string | null;
  readonly smaps: string | null;
}): KernelMemory | null {
  const pages = numberAt(texts.sockstat, /^TCP: .*\bmem (\d+)/m);
  const pageKib = numberAt(texts.smaps, /^KernelPageSize:\s+(\d+) kB/m);
  const slabKib = numberAt(texts.meminfo, /^Slab:\s+(\d+) kB/m);
  if (pages === null || pageKib === null || slabKib === null) return null;
  return { tcpBufferBytes: pages * pageKib * 1_024, slabBytes: slabKib * 1_024 };
}
