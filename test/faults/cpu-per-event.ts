import { expect } from "vitest";
import type { SentEvent } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { startCluster } from "./cluster.ts";
import { connectLoad } from "./load.ts";
import { post } from "./producer.ts";
import { endScenes } from "./scene.ts";

const CONNECTIONS = 1_000;
const EVENTS_PER_SECOND = 1_000;
const WARM_UP_EVENTS = 1_500;
const MEASURED_EVENTS = 4_000;
const TICK_MS = 5;
const PHOTOS_PER_USER = 5;
/** Of a photo and a job message: much less, and messages went missing. */
const LEAST_BYTES_PER_EVENT = 300;

/** In a fresh hub: user and system time of all its processes by what was acknowledged, in microseconds. */
export async function cpuPerEvent(...flags: readonly string[]): Promise<number> {
  return (await costPerEvent(flags, async () => 0)).hub;
}

/** The same, beside that of something else: `otherCpuMs` tells what it has taken so far. */
export async function costPerEvent(
  flags: readonly string[],
  otherCpuMs: () => Promise<number>,
): Promise<{ readonly hub: number; readonly other: number }> {
  const hub = await startCluster(...flags);
  const load = await connectLoad(hub.publicUrl, CONNECTIONS);
  const events = startEvents(hub.internalUrl);
  try {
    await until(() => events.acknowledged() >= WARM_UP_EVENTS, "the warm-up", 20_000);
    const otherBeforeMs = await otherCpuMs();
    const before = { events: events.acknowledged(), cpuMs: hub.cpuMs(), bytes: load.bytes };
    await until(
      () => events.acknowledged() >= before.events + MEASURED_EVENTS,
      "the measured events",
      30_000,
    );
    const count = events.acknowledged() - before.events;
    const cpuMs = hub.cpuMs() - before.cpuMs;
    const otherMs = (await otherCpuMs()) - otherBeforeMs;
    expect((load.bytes - before.bytes) / count).toBeGreaterThan(LEAST_BYTES_PER_EVENT);
    expect(events.failed()).toBe(0);
    return { hub: (cpuMs * 1_000) / count, other: (otherMs * 1_000) / count };
  } finally {
    events.stop();
    load.close();
    endScenes();
  }
}

/** Steady progress of each user's photos in turn, so far apart that none is conflated. */
function startEvents(internalUrl: string) {
  const beganMs = performance.now();
  let [sent, acknowledged, failed] = [0, 0, 0];
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - beganMs) / 1_000) * EVENTS_PER_SECOND);
    const batch: SentEvent[] = [];
    for (; sent < due; sent += 1) batch.push(progressed(sent));
    if (batch.length === 0) return;
    post(internalUrl, batch).then(
      (rejected) => {
        if (rejected?.size === 0) acknowledged += batch.length;
        else failed += batch.length;
      },
      () => {
        failed += batch.length;
      },
    );
  }, TICK_MS);
  return {
    acknowledged: () => acknowledged,
    failed: () => failed,
    stop: () => clearInterval(timer),
  };
}

function progressed(index: number): SentEvent {
  const user = (index * 7_919) % CONNECTIONS;
  const photoId = `photo-${Math.floor(index / CONNECTIONS) % PHOTOS_PER_USER}`;
  const data = { jobId: `load-${user}`, userId: `load-${user}`, photoId, bytesTransferred: index + 1 };
  return { id: String(index), type: "photo.upload.progressed", data };
}
