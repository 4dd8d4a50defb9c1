import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Deliveries } from "../../../simulator/delivery.ts";
import { builtInProfile } from "../../../simulator/profiles.ts";
import { newTotals, runEvents } from "../../../simulator/runner.ts";
import { tusSink } from "../../../simulator/tus.ts";
import { Workload } from "../../../simulator/workload.ts";
import { watchers } from "../../clients.ts";
import { startTestHub, type TestHub } from "../../hub.ts";
import { startTusNode } from "./servers.ts";

const SEED = 11;
let hub: TestHub;
let directory: string;

beforeAll(async () => {
  hub = await startTestHub();
  directory = await mkdtemp(join(tmpdir(), "progress-hub-simulated-"));
});

afterAll(async () => {
  await hub.close();
  await rm(directory, { recursive: true, force: true });
});

it("simulate --tus uploads real bytes, which end as the simulation says, retries and cancellations too", async () => {
  const server = await startTusNode(hub, directory);
  const realistic = builtInProfile("realistic");
  const size = { weight: 1, median: 300_000, spread: 0.8, min: 0, max: 2_000_000 };
  const profile = {
    ...{ ...realistic, users: 1, arriveWithin: 0, networks: { office: 1 } },
    jobs: { ...realistic.jobs, perUser: 2, announced: 1 },
    photos: { count: { ...size, median: 12, spread: 0 }, sizes: [size], sizeUnknown: 0 },
    upload: { ...realistic.upload, progressEvery: 20, processing: 30 },
    trouble: {
      ...realistic.trouble,
      fails: 0.3,
      cancels: 0.1,
      pauses: 0,
      sleeps: 0,
      leaves: 0,
      cancelsJob: 0,
    },
  };
  const ends = new Map<string, string>();
  const workload = new Workload({ profile, seed: SEED });
  for (let next = workload.next(); next !== null; next = workload.next()) {
    const { type, data } = next.event;
    const [, what = ""] = /^photo\.upload\.(completed|cancelled|failed)$/.exec(type) ?? [];
    if (what !== "") ends.set(`${data.jobId}/${data.photoId}`, what);
  }
  const wanted = (what: string) => [...ends].filter(([, end]) => end === what).map(([key]) => key);
  expect(Math.min(wanted("completed").length, wanted("cancelled").length)).toBeGreaterThan(0);

  const watcher = watchers.websocket({ publicUrl: hub.publicUrl, token: hub.tokenFor("demo") });
  const retries: string[] = [];
  const sink = tusSink({
    endpoint: server.endpoint,
    tokenOf: (userId) => hub.tokenFor(userId),
    onRetry: (reason) => retries.push(reason),
  });
  const { signal } = new AbortController();
  try {
    const totals = newTotals();
    await runEvents({
      events: new Deliveries(new Workload({ profile, seed: SEED }), profile.delivery, SEED),
      ...{ sink, signal, totals, pace: { kind: "speed", speed: 4 } },
    });
    await sink.settled?.(signal);
    const statusOf = (key: string) => watcher.view().get(key)?.status;
    await watcher.until(
      () => wanted("completed").every((key) => statusOf(key) === "COMPLETED"),
      "all completed",
      20_000,
    );
    await watcher.until(
      () => wanted("cancelled").every((key) => statusOf(key) === "CANCELLED"),
      "all cancelled",
      5_000,
    );
    for (const key of wanted("completed")) {
      expect(watcher.view().get(key)?.bytesTransferred).toBe(watcher.view().get(key)?.totalBytes);
    }
    expect((await stat(directory)).isDirectory()).toBe(true);
    expect(retries).toEqual([]);
  } finally {
    watcher.close();
    await server.close();
  }
});
