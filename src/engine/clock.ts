import { performance } from "node:perf_hooks";

/** The two clocks of the hub: deadlines, intervals and rates use `monotonicMs`; only what people read uses `unixMs`. */
export interface Clock {
  /** The system clock's is CLOCK_MONOTONIC, which all processes of a machine share. */
  monotonicMs(): number;
  unixMs(): number;
  /** Calls back once after `delayMs`; gives a function that calls it off. */
  after(delayMs: number, callback: () => void): () => void;
}

/** setTimeout overflows above this and fires at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** `performance.now()` begins with its process, hrtime with the machine; the first is the cheaper to read. */
const PROCESS_START_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export const systemClock: Clock = {
  monotonicMs: () => PROCESS_START_MS + performance.now(),
  unixMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, MAX_DELAY_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
