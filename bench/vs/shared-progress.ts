import { sum } from "../machine/kept-sum.ts";
import type { Progress, ProgressNumbers } from "../progress.ts";

/** One line for several that go on at the same time: in which phase the last to tell is, and the numbers of all together. */
export function sharedProgress(progress: Progress, sides: number): (side: number) => Progress {
  const told: (ProgressNumbers | null)[] = Array.from({ length: sides }, () => null);
  return (side) => ({
    phase: (scenario, phase) => {
      told[side] = null;
      progress.phase(scenario, phase);
    },
    numbers: (numbers) => {
      told[side] = numbers;
      progress.numbers(together(told.filter((one) => one !== null)));
    },
  });
}

function together(all: readonly ProgressNumbers[]): ProgressNumbers {
  return {
    connected: sum(all.map(({ connected }) => connected)),
    wanted: sum(all.map(({ wanted }) => wanted)),
    messagesPerSecond: sum(all.map(({ messagesPerSecond }) => messagesPerSecond ?? 0)),
    p99Ms: greatestOf(all.map(({ p99Ms }) => p99Ms)),
    done: leastOf(all.map(({ done }) => done)),
  };
}

function greatestOf(values: readonly (number | null)[]): number | null {
  return values.reduce((most, value) => (value === null ? most : Math.max(most ?? value, value)), null);
}

function leastOf(values: readonly (number | null)[]): number | null {
  return values.includes(null) ? null : Math.min(...values.filter((value) => value !== null));
}
