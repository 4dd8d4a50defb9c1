import { readdir, stat } from "node:fs/promises";
import {
  constants,
  monitorEventLoopDelay,
  type PerformanceEntry,
  PerformanceObserver,
} from "node:perf_hooks";
import { packageVersion } from "../package-version.ts";
import { Histogram } from "./histogram.ts";
import type { Readings } from "./readings.ts";
import { GC_BOUNDS } from "./table.ts";

export interface MonitoredProcess {
  read(readings: Readings): Promise<void>;
  close(): void;
}

/** Each look wakes the process up, also one that has nothing to do. */
const LOOP_RESOLUTION_MS = 50;
const QUANTILES = ["0.5", "0.99", "1"] as const;
const GC_KINDS = new Map<unknown, string>([
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weakcb"],
]);
const OWN_DESCRIPTORS = "/proc/self/fd";

/** Watches this process from now on, under the name it has on `/metrics`. */
export function monitorProcess(name: string): MonitoredProcess {
  const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  loop.enable();
  const pauses = new Map([...GC_KINDS.values()].map((kind) => [kind, new Histogram(GC_BOUNDS)]));
  const collector = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) pauses.get(gcKindOf(entry))?.observe(entry.duration / 1_000);
  });
  collector.observe({ entryTypes: ["gc"] });

  return {
    async read(readings) {
      const process_ = { process: name };
      readings.set("build_info", { version: packageVersion(), node: process.version }, 1);
      readings.set("process_up", process_, 1);
      readings.set("process_uptime_seconds", process_, process.uptime());
      const { user, system } = process.cpuUsage();
      readings.set("process_cpu_seconds_total", process_, (user + system) / 1e6);
      const { rss, heapUsed } = process.memoryUsage();
      readings.set("process_resident_memory_bytes", process_, rss);
      readings.set("process_heap_used_bytes", process_, heapUsed);
      for (const quantile of QUANTILES) {
        const delayNs = loop.percentile(Number(quantile) * 100);
        // It measures from one timer to the next, so that the resolution is in it.
        const seconds = Math.max(0, delayNs / 1e9 - LOOP_RESOLUTION_MS / 1e3);
        readings.set("process_loop_delay_seconds", { process: name, quantile }, seconds);
      }
      loop.reset();
      for (const [kind, histogram] of pauses)
        readings.histogram("process_gc_duration_seconds", { process: name, kind }, histogram);
      const descriptors = await openDescriptors();
      if (descriptors !== null) readings.set("process_open_fds", process_, descriptors);
    },
    close() {
      loop.disable();
      collector.disconnect();
    },
  };
}

function gcKindOf(entry: PerformanceEntry): string {
  const detail: unknown = Reflect.get(entry, "detail");
  const kind = typeof detail === "object" && detail !== null && "kind" in detail ? detail.kind : null;
  return GC_KINDS.get(kind) ?? "";
}

/** null: the system does not tell. */
async function openDescriptors(): Promise<number | null> {
  try {
    // Linux from 6.2 tells how many there are without naming each of them.
    return (await stat(OWN_DESCRIPTORS)).size || (await readdir(OWN_DESCRIPTORS)).length;
  } catch {
    return null;
  }
}
