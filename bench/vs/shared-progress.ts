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
      progress.numbers(sumOf(told.filter((one) => one !== null)));
    },
  });
}

function sumOf(all: readonly ProgressNumbers[]): ProgressNumbers {
  return {
    connected: all.reduce((sum, { connected }) => sum + connected, 0),
    wanted: all.reduce((sum, { wanted }) => sum + wanted, 0),
    messagesPerSecond: all.reduce((sum, one) => sum + (one.messagesPerSecond ?? 0), 0),
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
