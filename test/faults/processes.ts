import { readdirSync, readFileSync, readlinkSync } from "node:fs";

// What the kernel says of the hub's processes: who they are, what they cost, whom they are connected to.

type ProcessKind = "primary" | "core" | "gateway" | "other";

export interface HubProcessInfo {
  readonly pid: number;
  readonly kind: ProcessKind;
}

/** The one place that knows what the command lines of the children look like. */
const ENTRIES: readonly (readonly [ProcessKind, RegExp])[] = [
  ["core", /core-process/],
  ["gateway", /gateway-process/],
  ["primary", /progress-hub\.js\0serve\0/],
];

/** The primary's children that are alive; a zombie has no command line and is not among them. */
export function childrenOf(pid: number): readonly HubProcessInfo[] {
  const children = read(`/proc/${pid}/task/${pid}/children`);
  return children
    .split(" ")
    .filter((text) => text.trim() !== "")
    .map((text) => infoOf(Number(text)))
    .filter((info) => info !== null);
}

/** All processes with this in their environment, orphans too. */
export function processesMarked(mark: string): readonly HubProcessInfo[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && read(`/proc/${name}/environ`).includes(mark))
    .map((name) => infoOf(Number(name)))
    .filter((info) => info !== null);
}

function infoOf(pid: number): HubProcessInfo | null {
  const line = read(`/proc/${pid}/cmdline`);
  if (line === "") return null;
  const [kind] = ENTRIES.find(([, pattern]) => pattern.test(line)) ?? ["other" as const];
  return { pid, kind };
}

const MS_PER_TICK = 10;

/** User and system time of a process in milliseconds (proc_pid_stat(5), fields 14 and 15); 0 once it is gone. */
export function cpuMsOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return stat === "" ? 0 : (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

const ESTABLISHED = "01";

/** How many established connections to `port` of this machine the process holds the accepting end of. */
export function connectionsTo(port: number, pid: number): number {
  const inodes = new Set<string>();
  for (const line of `${read("/proc/net/tcp")}${read("/proc/net/tcp6")}`.split("\n")) {
    const fields = line.trim().split(/\s+/);
    const [, local = "", , state, , , , , , inode = ""] = fields;
    if (state === ESTABLISHED && Number.parseInt(local.split(":")[1] ?? "", 16) === port) inodes.add(inode);
  }
  return descriptorsOf(pid).filter((target) => {
    const [, inode = ""] = /^socket:\[(\d+)\]$/.exec(target) ?? [];
    return inodes.has(inode);
  }).length;
}

function descriptorsOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).map((name) => {
      try {
        return readlinkSync(`${folder}/${name}`);
      } catch {
        return "";
      }
    });
  } catch {
    return [];
  }
}

/** What is not there, since the process has ended, is empty. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
