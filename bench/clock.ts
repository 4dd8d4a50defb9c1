// One clock for all processes of a machine: CLOCK_MONOTONIC, which process.hrtime tells. performance.now() is the same
// clock from another zero, and costs no allocation.

const offsetUs = hrtimeUs() - performance.now() * 1_000;

/** Microseconds of the machine's monotonic clock, fractions included; comparable between its processes. */
export function monotonicUs(): number {
  return performance.now() * 1_000 + offsetUs;
}

function hrtimeUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
