import { defineConfig } from "vitest/config";
import { SummaryReporter } from "./summary-reporter.ts";

/**
 * Half a minute and more each: costs by pairs of runs, twenty kills of all processes, readers held until the hub's
 * memory tells, a CPU that others have, each fail-over of Redis. `npm run test:faults` runs them with all the other faults.
 */
const LONG = [
  ...["cost", "all-kill", "hostile", "redis-all-kill", "slow-readers", "starved"],
  ...["memory", "redis-failover", "redis-subscribers", "redis-two-hubs", "network", "hang"],
  ...["balance", "half-open", "publisher-dies"],
].map((what) => `test/faults/${what}.test.ts`);

/** They mostly wait, for a Redis that is away, say, or only look at what comes and not at when: two at a time. */
const TOGETHER = [
  ...["redis-away", "redis-handover", "redis-refuses", "redis-subscribers", "half-open", "publisher-dies"],
  ...["all-kill", "redis-all-kill", "slow-readers", "network", "hostile", "verify"],
  ...["stock-socketio", "across", "interest", "smoke", "upgrade"],
].map((what) => `test/faults/${what}.test.ts`);

interface Options {
  readonly timeoutMs: number;
  /** Absent: all of the folder of that name. */
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly isPure?: true;
  /** Absent: 0. Groups run one after the other. */
  readonly group?: number;
  readonly alone?: true;
}

const suite = (name: string, options: Options) => ({
  extends: true as const,
  test: {
    name,
    include: [...(options.include ?? [`test/${name}/**/*.test.ts`])],
    exclude: [...(options.exclude ?? []), ...(process.env.FAULTS === "all" ? [] : LONG)],
    testTimeout: options.timeoutMs,
    hookTimeout: options.timeoutMs,
    // On a busy machine the default of a second is no time.
    expect: { poll: { timeout: 5_000 } },
    // Half of the time of the fast ones is reading modules anew for each file, which code without state can do without.
    ...(options.isPure && { pool: "threads" as const, isolate: false }),
    // One file at a time: its hubs are under load, and what it measures is time.
    ...(options.alone && { fileParallelism: false }),
    sequence: { groupOrder: options.group ?? 0 },
  },
});

export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  test: {
    // Two workers: the suites start real servers, and the machines they run on have two cores.
    maxWorkers: 2,
    reporters: ["default", new SummaryReporter()],
    projects: [
      suite("unit", { timeoutMs: 10_000, isPure: true }),
      suite("property", { timeoutMs: 30_000, isPure: true }),
      suite("conformance", { timeoutMs: 20_000 }),
      suite("integration", { timeoutMs: 30_000 }),
      suite("e2e", { timeoutMs: 90_000 }),
      suite("browser", { timeoutMs: 90_000 }),
      suite("faults-together", { timeoutMs: 180_000, include: TOGETHER, group: 1 }),
      suite("faults", { timeoutMs: 180_000, exclude: TOGETHER, group: 2, alone: true }),
    ],
  },
});
