import { expect, test } from "vitest";
import {
  loadBetween,
  loadIn,
  type MachineLoad,
  type MachineReading,
  parseCpuTimes,
  parsePressureUs,
} from "../../bench/machine/load.ts";
import { machineSeries } from "../../bench/machine/series.ts";
import { type Conditions, judgeConditions, LIMITS } from "../../bench/machine/validity.ts";

const STAT = `cpu  26505 0 8635 66030 726 3 141 1365 0 0
cpu0 12976 0 3740 34279 71 1 19 661 0 0
cpu1 13528 0 4895 31751 655 2 121 704 0 0
intr 5130571 0
`;

test("/proc/stat: a disk that is waited for is no work, soft interrupts are", () => {
  expect(parseCpuTimes(STAT)).toEqual({
    cores: 2,
    idleUs: 667_560_000,
    stealUs: 13_650_000,
    interruptUs: 1_440_000,
  });
  expect(parseCpuTimes("")).toBeNull();
});

test("/proc/pressure/cpu: since boot, and null where the kernel has none", () => {
  const text = "some avg10=1.73 avg60=5.79 avg300=14.79 total=92909478\nfull avg10=0.00 total=0\n";
  expect(parsePressureUs(text)).toBe(92_909_478);
  expect(parsePressureUs("")).toBeNull();
});

const CORES = 2;
const START: MachineReading = {
  atMs: 1_000,
  cpu: { cores: CORES, idleUs: 5e6, stealUs: 1e6, interruptUs: 3e6 },
  pressureUs: 7e6,
  interruptsApart: false,
  hubCpuUs: 1e6,
  loadCpuUs: 2e6,
  oursCpuUs: 4e6,
  hubPssKib: 2_048,
};

interface Seconds {
  idle: number;
  steal?: number;
  interrupt?: number;
  pressure?: number;
  hub?: number;
  load?: number;
  ours?: number;
}

/** A reading so many seconds later, in which so many seconds of each were added. */
function after(seconds: number, added: Seconds, before = START): MachineReading {
  const us = (value = 0): number => value * 1e6;
  const { cpu } = before;
  return {
    ...before,
    atMs: before.atMs + seconds * 1_000,
    cpu: cpu && {
      cores: CORES,
      idleUs: cpu.idleUs + us(added.idle),
      stealUs: cpu.stealUs + us(added.steal),
      interruptUs: cpu.interruptUs + us(added.interrupt),
    },
    pressureUs: before.pressureUs === null ? null : before.pressureUs + us(added.pressure),
    hubCpuUs: before.hubCpuUs === null ? null : before.hubCpuUs + us(added.hub),
    loadCpuUs: before.loadCpuUs + us(added.load),
    oursCpuUs: before.oursCpuUs + us(added.ours),
  };
}

test("shares of all cores: steal, busy, and of that what is not ours", () => {
  const load = loadBetween(START, after(10, { idle: 8, steal: 1, ours: 6, pressure: 2.5 }));
  expect(load).toEqual({ steal: 0.05, busy: 0.55, foreign: 0.25, pressure: 0.25 });
});

test("what is ours can't be more than what is busy: nothing is foreign", () => {
  expect(loadBetween(START, after(1, { idle: 1, ours: 1.1 })).foreign).toBe(0);
});

test("interrupts are nobody's where the kernel keeps their time out of that of processes", () => {
  const end = after(10, { idle: 10, interrupt: 2, ours: 6 });
  expect(loadBetween(START, end).foreign).toBe(0.2);
  expect(loadBetween(START, { ...end, interruptsApart: true }).foreign).toBe(0.1);
});

test("what is not known is null, not 0", () => {
  const unknownHub = { ...START, hubCpuUs: null };
  expect(loadBetween(unknownHub, after(1, { idle: 1 }, unknownHub)).foreign).toBeNull();
  const bare = { ...START, cpu: null, pressureUs: null };
  expect(loadBetween(bare, after(1, { idle: 1 }, bare))).toEqual({
    steal: null,
    busy: null,
    foreign: null,
    pressure: null,
  });
});

test("a phase is judged by the readings inside it, as a whole and at its worst", () => {
  const calm = after(1, { idle: 2 });
  const noisy = after(1, { idle: 1, steal: 0.5 }, calm);
  const later = after(1, { idle: 2 }, noisy);
  const readings = [START, calm, noisy, later];
  expect(loadIn(readings, 1_500, 3_500)).toMatchObject({
    mean: { steal: 0.25, busy: 0.25, foreign: 0.25 },
    worst: { steal: 0.25 },
  });
  expect(loadIn(readings, 0, 9_000)).toMatchObject({ mean: { steal: 0.5 / 6 }, worst: { steal: 0.25 } });
  expect(loadIn(readings, 1_900, 2_100)).toBeNull();
});

test("series: cores from one reading to the next, memory at each", () => {
  const second = after(2, { idle: 1, hub: 1, load: 3 });
  const third = { ...after(1, { idle: 0, load: 2 }, second), hubCpuUs: null, hubPssKib: null };
  expect(machineSeries([START, second, third], 1_000)).toEqual([
    { name: "CPU hub", unit: "cores", points: [[2, 0.5]] },
    {
      name: "CPU load",
      unit: "cores",
      points: [
        [2, 1.5],
        [3, 2],
      ],
    },
    {
      name: "memory hub",
      unit: "MiB",
      points: [
        [0, 2],
        [2, 2],
      ],
    },
  ]);
});

const quiet: Record<keyof MachineLoad, number> = {
  steal: LIMITS.steal,
  busy: 1,
  foreign: LIMITS.foreign,
  pressure: LIMITS.pressure,
};
const GOOD: Conditions = {
  machine: { mean: quiet, worst: quiet },
  loopDelayP99Ms: 20,
  emitterLagP99Ms: 5,
  rateReached: 0.99,
};

function machine(mean: Partial<typeof quiet>): Partial<Conditions> {
  return { machine: { mean: { ...quiet, ...mean }, worst: { ...quiet, steal: 0.5 } } };
}

test("at every limit it is conclusive, and so is what is not known", () => {
  expect(judgeConditions(GOOD)).toEqual({ conclusive: true, reasons: [], brief: null });
  const unknown = { machine: null, loopDelayP99Ms: null, emitterLagP99Ms: null, rateReached: null };
  expect(judgeConditions(unknown).conclusive).toBe(true);
  const nulls = { steal: null, busy: null, foreign: null, pressure: null };
  expect(judgeConditions({ ...GOOD, machine: { mean: nulls, worst: nulls } }).conclusive).toBe(true);
});

test.each<[string, Partial<Conditions>, RegExp]>([
  [
    "steal",
    machine({ steal: 0.031 }),
    /hypervisor .* 3\.1 % .*at most 2\.0 %; 50\.0 % at worst.*: run it again/,
  ],
  ["foreign CPU", machine({ foreign: 0.14 }), /Other processes .* 14\.0 % .*at most 10\.0 %.*: stop them/],
  ["pressure", machine({ pressure: 0.91 }), /waited for a CPU .* 91\.0 % .*: lower the load/],
  ["loop delay", { loopDelayP99Ms: 25 }, /event loop was 25\.0 ms late .*at most 20 ms.*: give each fewer/],
  ["emitter lag", { emitterLagP99Ms: 7.25 }, /sent 7\.3 ms after .*at most 5 ms.*: lower the rate/],
  ["rate", { rateReached: 0.982 }, /Only 98\.2 % .*at least 99\.0 %.*: lower the rate/],
])("%s beyond its limit: inconclusive, with the figure and what to do", (_name, conditions, words) => {
  const { conclusive, reasons } = judgeConditions({ ...GOOD, ...conditions });
  expect(conclusive).toBe(false);
  expect(reasons).toEqual([expect.stringMatching(words)]);
});

test("all that speaks against a measurement fits one line", () => {
  const conditions = { ...machine({ steal: 0.089, foreign: 0.4 }), emitterLagP99Ms: 7.25, rateReached: 0.95 };
  expect(judgeConditions({ ...GOOD, ...conditions }).brief).toBe(
    "busy machine: steal 8.9 %, other processes 40.0 %, events sent 7.3 ms late, 95.0 % of events sent",
  );
});
