import type { Histogram } from "hdr-histogram-js";
import { establishedTo } from "./machine/sockets.ts";
import { counter, gauge, type Metric, rate, trend } from "./metric.ts";
import { reasonsTold, sumOf } from "./running-load.ts";
import type { ConnectOutcome, HeldStage } from "./scenarios/scenario.ts";
import { Stage, type StageOptions } from "./stage.ts";

const KIB = 1_024;

/** Connects everybody and holds them for a while, looks at what that cost, and then lets canaries in, if any. */
export async function openHeld(
  options: StageOptions,
  holdMs: number,
  withCanaries: boolean,
): Promise<HeldStage> {
  const stage = await Stage.open(options);
  try {
    return await held(stage, holdMs, withCanaries);
  } catch (error) {
    await stage.close();
    throw error;
  }
}

async function held(stage: Stage, holdMs: number, withCanaries: boolean): Promise<HeldStage> {
  const scenario = "connect";
  const zeroMs = performance.now();
  const times = await stage.connect(scenario);
  const heldFromMs = performance.now();
  const idle = await stage.hold(scenario, holdMs);
  const endMs = performance.now();
  const metrics = await metricsOf(stage, times);
  const { connections } = stage.options.population;
  if (idle !== null) {
    metrics.set("pss_per_connection_idle", gauge(idle.pssGrowthKib / connections, "KiB"));
    metrics.set("idle_cpu_per_connection", gauge(idle.cpuUsPerSecond / connections, "µs/s"));
    if (idle.kernelBytes !== null) {
      metrics.set("kernel_memory", gauge(idle.kernelBytes / connections / KIB, "KiB"));
    }
  }
  const connected: ConnectOutcome = {
    metrics,
    phases: [
      { name: "connect", startMs: 0, endMs: heldFromMs - zeroMs },
      { name: "hold", startMs: heldFromMs - zeroMs, endMs: endMs - zeroMs },
    ],
    notes: reasonsOf(stage),
  };
  if (withCanaries) await stage.connectCanaries();
  return { stage, connected };
}

async function metricsOf(stage: Stage, times: Histogram): Promise<Map<string, Metric>> {
  const { population, target } = stage.options;
  const { everEstablished, established, errors, closes } = stage.fleet.counts();
  const metrics = new Map<string, Metric>([
    ["established", rate(Math.min(everEstablished, population.connections), population.connections)],
    ["errors", counter(sumOf(errors))],
    ["closes", counter(sumOf(closes))],
    ["connect_time", trend(times)],
  ]);
  const ports = target.publicUrls.map((url) => Number(new URL(url).port));
  const kernel = await establishedTo([...new Set(ports)], target.pid === null ? "peer" : "local");
  metrics.set("kernel", gauge(established - kernel));
  return metrics;
}

function reasonsOf(stage: Stage): string[] {
  const { errors, closes } = stage.fleet.counts();
  return [...reasonsTold("Failed to connect", errors), ...reasonsTold("Closed unexpectedly", closes)];
}
