import { type Finding, ok, refusal, warning } from "./finding.ts";
import { percent } from "./percent.ts";
import type { PreflightReadings } from "./preflight-readings.ts";
import { LIMITS } from "./validity.ts";

/** Generators, hub and emitter on less are stopped by the kernel for most of each period. */
const LEAST_CORES = 1;

export function cpuFindings(readings: PreflightReadings): readonly (Finding | null)[] {
  return [quota(readings), steal(readings), foreign(readings), loadAverage(readings), governor(readings)];
}

function quota({ cpuQuota, cores }: PreflightReadings): Finding {
  if (cpuQuota === null || cpuQuota >= cores) return ok(`CPU: ${cores} cores, no quota`);
  const what = `CPU: ${cores} cores, of which the control group allows the time of ${cpuQuota}`;
  const fix = `docker update --cpus ${cores} CONTAINER, or without the limit of the pod`;
  return cpuQuota < LEAST_CORES ? refusal(what, fix) : warning(what, fix);
}

function steal({ idle: { steal } }: PreflightReadings): Finding | null {
  if (steal === null) return null;
  const what = `steal: the hypervisor gave ${percent(steal)} of the CPU time to others, in a second`;
  return steal <= LIMITS.steal
    ? ok(what)
    : warning(what, "another time, or a machine whose CPUs are its own");
}

function foreign({ idle: { foreign } }: PreflightReadings): Finding | null {
  if (foreign === null) return null;
  const what = `other processes: ${percent(foreign)} of the CPU time, in a second`;
  return foreign <= LIMITS.foreign ? ok(what) : warning(what, "end them: top -b -n 1 -o %CPU | head -15");
}

function loadAverage({ loadAverage, cores }: PreflightReadings): Finding | null {
  if (loadAverage === null) return null;
  const what = `load average: ${loadAverage} in the last minute, on ${cores} cores`;
  return loadAverage <= cores / 2 ? ok(what) : warning(what, "wait until what runs has ended");
}

function governor({ governors }: PreflightReadings): Finding | null {
  if (governors.length === 0) return null;
  const what = `CPU governor: ${governors.join(", ")}`;
  if (governors.every((one) => one === "performance")) return ok(what);
  return warning(what, "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
}
