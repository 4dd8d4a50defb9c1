import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { type K6Options, type K6Result, runK6 } from "../../bench/k6/run.ts";
import { type Cluster, INGEST_TOKEN, killAll, startCluster, tokenFor } from "../faults/cluster.ts";
import { describeWithK6 } from "../k6/available.ts";

const USERS = 30;
const EVENTS = 600;
const EVENTS_PER_SECOND = 300;
const EMIT_EVERY_MS = 10;
/** k6 starts and connects, events for two seconds, and time for the last ones on a busy machine. */
const DURATION_MS = 8_000;
const compiled = fileURLToPath(new URL("../../dist/bench/k6/script.js", import.meta.url));

afterEach(killAll);

function optionsFor(publicUrl: string, more: Partial<K6Options> = {}): K6Options {
  return {
    publicUrl,
    tokens: Array.from({ length: USERS }, (_, index) => tokenFor(`user-${index}`)),
    connections: { socketio: 12, websocket: 12, polling: 6 },
    connectionsPerVu: 5,
    originUnixMs: Date.now(),
    warmUpMs: 0,
    durationMs: DURATION_MS,
    thresholds: {},
    signal: new AbortController().signal,
    scriptPath: compiled,
    ...more,
  };
}

/** Runs k6, and once it is ready sends it events, each with the microsecond it was due at. */
async function watched(hub: Cluster, options: K6Options): Promise<K6Result> {
  let timer: NodeJS.Timeout | undefined;
  const emit = () => {
    const beganMs = Date.now();
    let sent = 0;
    timer = setInterval(async () => {
      const due = Math.min(EVENTS, Math.floor(((Date.now() - beganMs) / 1_000) * EVENTS_PER_SECOND));
      const batch = [];
      for (; sent < due; sent += 1) {
        const dueMs = beganMs - options.originUnixMs + (sent * 1_000) / EVENTS_PER_SECOND;
        batch.push(progressed(sent, Math.round(dueMs * 1_000)));
      }
      if (batch.length > 0) await post(hub, batch);
    }, EMIT_EVERY_MS);
  };
  try {
    return await runK6({ ...options, onReady: emit });
  } finally {
    clearInterval(timer);
  }
}

const progressed = (k: number, dueUs: number) => ({
  specversion: "1.0",
  id: String(k),
  source: "/bench-k6",
  type: "photo.upload.progressed",
  data: {
    jobId: `job-${k % USERS}`,
    // Each on another photo than the one before: nothing is conflated away.
    photoId: `photo-${k}`,
    userId: `user-${k % USERS}`,
    bytesTransferred: dueUs,
    totalBytes: 2 ** 40,
  },
});

async function post(hub: Cluster, batch: readonly object[]): Promise<void> {
  const response = await fetch(`${hub.internalUrl}/api/v1/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${INGEST_TOKEN}`,
      "content-type": "application/cloudevents-batch+json",
    },
    body: JSON.stringify(batch),
  });
  expect(await response.json()).toEqual({ accepted: batch.length, unchanged: 0, rejected: [] });
}

describeWithK6("k6 watches a hub", () => {
  test("on three transports, sees every event once, and judges what it measured", async () => {
    const hub = await startCluster("--workers", "0");
    const options = optionsFor(hub.publicUrl, {
      thresholds: { "k6.socketio": ["p(99)<60000"], "k6.polling": ["max<0"], "k6.errors": ["count==0"] },
    });
    const result = await watched(hub, options);
    expect(result).toMatchObject({ status: "done", exitCode: 99 });
    if (result.status !== "done") return;
    expect(result.counters).toMatchObject({ errors: 0, closes: 0, synced: USERS });
    const { socketio, websocket, polling } = result.trends;
    // 12, 12 and 6 users of 30.
    expect([socketio.count, websocket.count, polling.count]).toEqual([240, 240, 120]);
    for (const { min, max } of [socketio, websocket, polling]) {
      // The clock of all is that of this machine; Date.now() leaves out what is below a millisecond.
      expect(min).toBeGreaterThanOrEqual(-1);
      expect(max).toBeLessThan(DURATION_MS);
    }
    expect(result.thresholds.filter(({ ok }) => !ok)).toEqual([
      { metric: "polling", threshold: "max<0", value: polling.max, ok: false },
    ]);
    expect(result.thresholds).toContainEqual({
      metric: "socketio_samples",
      threshold: "count>0",
      value: socketio.count,
      ok: true,
    });
  });

  test("as TypeScript: a gate without samples fails, and refused clients are errors", async () => {
    const hub = await startCluster("--workers", "0");
    const { scriptPath: _, ...options } = optionsFor(hub.publicUrl, {
      tokens: ["no token"],
      connections: { socketio: 2, websocket: 2, polling: 1 },
      thresholds: { "k6.websocket": ["p(99)<100"] },
      originUnixMs: Date.now(),
      durationMs: 2_000,
    });
    const result = await runK6(options);
    expect(result).toMatchObject({ status: "done", exitCode: 99 });
    if (result.status !== "done") return;
    expect(result.counters.errors).toBeGreaterThanOrEqual(5);
    expect(result.trends.websocket).toMatchObject({ count: 0, p99: null });
    expect(result.thresholds).toEqual([
      { metric: "websocket", threshold: "p(99)<100", value: null, ok: true },
      { metric: "websocket_samples", threshold: "count>0", value: 0, ok: false },
    ]);
  });

  test("ends at once when it is stopped", async () => {
    const hub = await startCluster("--workers", "0");
    const stop = new AbortController();
    const options = optionsFor(hub.publicUrl, {
      durationMs: 60_000,
      signal: stop.signal,
      onReady: () => stop.abort(),
    });
    expect(await runK6(options)).toEqual({ status: "failed", reason: "stopped" });
  });
});

test("a k6 that isn't there is absent", async () => {
  const nowhere = optionsFor("http://127.0.0.1:9", { k6Path: "/nowhere/k6" });
  expect(await runK6(nowhere)).toEqual({ status: "absent" });
});
