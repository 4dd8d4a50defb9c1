import { expect, test } from "vitest";
import { cpuQuotaOf } from "../../bench/machine/cpu-quota.ts";
import type { Finding } from "../../bench/machine/finding.ts";
import { destinationsFor, judgePreflight, type RunPlan } from "../../bench/machine/preflight.ts";
import { type PreflightReadings, parseOpenFiles } from "../../bench/machine/preflight-readings.ts";

const PLAN: RunPlan = { connections: 10_000, generators: 2, hubHere: true, sides: 1 };
const READINGS: PreflightReadings = {
  openFiles: 20_000,
  localPorts: { first: 32_768, last: 60_999 },
  timeWaitReuse: 2,
  timeWaits: 9_000,
  availableBytes: 24e9,
  somaxconn: 4_096,
  conntrack: { max: 262_144, count: 0 },
  idle: { steal: 0.001, busy: 0.02, foreign: 0.01, pressure: 0 },
  loadAverage: 0.3,
  cores: 2,
  governors: [],
  cpuQuota: null,
};

function notOk(readings: Partial<PreflightReadings>, plan: Partial<RunPlan> = {}): readonly Finding[] {
  return judgePreflight({ ...PLAN, ...plan }, { ...READINGS, ...readings }).filter(
    ({ level }) => level !== "ok",
  );
}

test("a machine that has all of it: a line each, and nothing to do", () => {
  const findings = judgePreflight(PLAN, READINGS);
  expect(findings.map(({ level, fix }) => [level, fix])).toEqual(Array(9).fill(["ok", null]));
  expect(findings[0]?.what).toBe("open files: one process of the hub may hold 10,200, the limit is 20,000");
});

test.each<[string, Partial<PreflightReadings>, Finding["level"], RegExp]>([
  [
    "too few open files",
    { openFiles: 1_024 },
    "refusal",
    /^ulimit -n 10200 \|\| sudo prlimit .*=10200:10200$/,
  ],
  ["little memory", { availableBytes: 2e9 }, "warning", /end what uses/],
  ["too little memory", { availableBytes: 1e9 }, "refusal", /fewer connections/],
  ["a short backlog", { somaxconn: 128 }, "warning", /net\.core\.somaxconn=4096/],
  ["conntrack that drops", { conntrack: { max: 9_000, count: 50 } }, "refusal", /nf_conntrack_max=40050/],
  ["conntrack near its limit", { conntrack: { max: 19_000, count: 50 } }, "warning", /nf_conntrack_max/],
  ["conntrack that tracks nothing", { conntrack: { max: 9_000, count: 0 } }, "warning", /nf_conntrack_max/],
  ["steal", { idle: { ...READINGS.idle, steal: 0.05 } }, "warning", /another time/],
  ["others at work", { idle: { ...READINGS.idle, foreign: 0.3 } }, "warning", /^end them: top/],
  ["a high load average", { loadAverage: 3 }, "warning", /wait/],
  ["a saving governor", { governors: ["performance", "powersave"] }, "warning", /echo performance/],
  ["a quota", { cpuQuota: 1.5 }, "warning", /--cpus 2/],
  ["half a CPU", { cpuQuota: 0.5 }, "refusal", /--cpus 2/],
])("%s: one finding, with the fix", (_name, readings, level, fix) => {
  expect(notOk(readings)).toEqual([{ level, what: expect.any(String), fix: expect.stringMatching(fix) }]);
});

test("what is not told is no finding", () => {
  const untold = { ...READINGS, localPorts: null, availableBytes: null, somaxconn: null, conntrack: null };
  const idle = { steal: null, busy: null, foreign: null, pressure: null };
  const findings = judgePreflight(PLAN, { ...untold, idle, openFiles: null, loadAverage: null });
  expect(findings.map(({ what }) => what)).toEqual(["open files: no limit", "CPU: 2 cores, no quota"]);
});

test("a hub elsewhere: files of a generator alone, and ports to one address", () => {
  const elsewhere = { connections: 30_000, generators: 4, hubHere: false };
  expect(notOk({ openFiles: 7_700 }, elsewhere)).toEqual([
    {
      level: "refusal",
      what: expect.stringMatching(/22,585 usable .* 30,000/),
      fix: expect.stringMatching(/ip_local_port_range/),
    },
  ]);
  expect(destinationsFor({ ...PLAN, ...elsewhere }, READINGS)).toBe(1);
});

test("as many loopback addresses as the ports need, and no port that still waits", () => {
  expect(destinationsFor(PLAN, READINGS)).toBe(1);
  expect(destinationsFor({ ...PLAN, connections: 22_586 }, READINGS)).toBe(2);
  expect(destinationsFor({ ...PLAN, connections: 100_000 }, READINGS)).toBe(5);
  expect(destinationsFor({ ...PLAN, connections: 20_000 }, { ...READINGS, timeWaitReuse: 0 })).toBe(2);
});

test("the soft limit of open files; null: none", () => {
  const line = (soft: string) =>
    `Max processes             96365  96365  processes\nMax open files            ${soft}  unlimited  files\n`;
  expect(parseOpenFiles(line("20000    "))).toBe(20_000);
  expect(parseOpenFiles(line("unlimited"))).toBeNull();
});

test.each<[string, string, Record<string, string>, number | null]>([
  ["version 2, in a container", "0::/\n", { "/sys/fs/cgroup/cpu.max": "50000 100000\n" }, 0.5],
  ["version 2, no limit", "0::/a\n", { "/sys/fs/cgroup/a/cpu.max": "max 100000\n" }, null],
  [
    "version 2, the tightest on the way up",
    "0::/kube/pod\n",
    {
      "/sys/fs/cgroup/kube/pod/cpu.max": "300000 100000\n",
      "/sys/fs/cgroup/kube/cpu.max": "200000 100000\n",
    },
    2,
  ],
  [
    "version 1",
    "3:cpuset:/\n4:cpu,cpuacct:/docker/1\n0::/\n",
    {
      "/sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us": "150000\n",
      "/sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us": "100000\n",
    },
    1.5,
  ],
  [
    "version 1, no limit",
    "1:cpu:/\n",
    { "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n" },
    null,
  ],
])("CPU quota: %s", (_name, membership, files, quota) => {
  expect(cpuQuotaOf(membership, (path) => files[path] ?? null)).toBe(quota);
});

test("two sides at the same time need memory and ports for both, and files for one", () => {
  const plan = { sides: 2 };
  expect(notOk({}, plan)).toEqual([]);
  expect(judgePreflight({ ...PLAN, ...plan }, READINGS)[0]).toEqual(judgePreflight(PLAN, READINGS)[0]);
  expect(notOk({ availableBytes: 2.5e9 })).toEqual([expect.objectContaining({ level: "warning" })]);
  expect(notOk({ availableBytes: 2.5e9 }, plan)).toEqual([expect.objectContaining({ level: "refusal" })]);
  const few = { ...READINGS, localPorts: { first: 40_000, last: 54_999 } };
  expect([destinationsFor(PLAN, few), destinationsFor({ ...PLAN, ...plan }, few)]).toEqual([1, 2]);
});
