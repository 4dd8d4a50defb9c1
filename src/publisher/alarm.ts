/** A sleep that others may cut short. The process stays alive while someone sleeps. */
export interface Alarm {
  /** Resolves after `ms`, or at the next `wake`. One sleeper at a time. */
  sleep(ms: number): Promise<void>;
  wake(): void;
}

/** Longest delay Node's timers take; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export function createAlarm(): Alarm {
  let wake = () => {};
  return {
    sleep: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, Math.min(ms, MAX_DELAY_MS));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    wake: () => wake(),
  };
}
