import { KeptSum, sum } from "./kept-sum.ts";
import { type ProcessStat, pssKibOf, statOf, threadTimesOf, withDescendants } from "./processes.ts";

interface Member {
  readonly pid: number;
  readonly startTicks: number;
  readonly threads: KeptSum;
}

/**
 * What some processes and all that descend from them cost together. Who was seen once belongs to it until it ends, also
 * an orphan; who began and ended between two looks was never there, and of who ended, what it used since the last look
 * is missing. A look takes 0.5 ms a process.
 */
export class ProcessTree {
  readonly roots: readonly number[];
  readonly #cpu = new KeptSum();
  /** null: nobody has looked yet. */
  #members: ReadonlyMap<string, Member> | null = null;

  /** Without roots it costs nothing: of a hub on another machine. */
  constructor(roots: readonly number[]) {
    this.roots = roots;
  }

  /** All that live now, the roots first; zombies too. */
  pids(): readonly number[] {
    return [...this.#look().keys()].map(({ pid }) => pid);
  }

  /** Time on the CPU since each began, in microseconds. Never less than before. */
  cpuUs(): number {
    const now = new Map<string, number>();
    for (const [member, stat] of this.#look()) now.set(keyOf(member), cpuUsOf(member, stat));
    return this.#cpu.update(now);
  }

  /** Proportional set size of those that live, in KiB; null: none of them tells. 8 ms for a process of 450 MB. */
  pssKib(): number | null {
    const told = this.pids()
      .map(pssKibOf)
      .filter((kib) => kib !== null);
    return told.length === 0 && this.roots.length > 0 ? null : sum(told);
  }

  #look(): ReadonlyMap<Member, ProcessStat> {
    const looked = new Map<Member, ProcessStat>();
    const from = this.#members === null ? this.roots : living(this.#members.values());
    for (const pid of withDescendants(from)) {
      const stat = statOf(pid);
      if (stat === null) continue;
      const { startTicks } = stat;
      const known = this.#members?.get(keyOf({ pid, startTicks }));
      looked.set(known ?? { pid, startTicks, threads: new KeptSum() }, stat);
    }
    this.#members = new Map([...looked.keys()].map((member) => [keyOf(member), member]));
    return looked;
  }
}

/** A pid may be another process's by now. */
function living(members: Iterable<Member>): readonly number[] {
  return [...members].filter((one) => statOf(one.pid)?.startTicks === one.startTicks).map(({ pid }) => pid);
}

function keyOf({ pid, startTicks }: Pick<Member, "pid" | "startTicks">): string {
  return `${pid} ${startTicks}`;
}

/**
 * Both figures are of the same clock and at most what is true: `stat` cuts off up to 20 ms, the threads' own times lack
 * what ended threads used since the last look.
 */
function cpuUsOf({ pid, threads }: Member, stat: ProcessStat): number {
  return Math.max(stat.cpuUs, threads.update(threadTimesOf(pid)) / 1_000);
}
