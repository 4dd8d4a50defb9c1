import { afterEach, expect, test } from "vitest";
import { checkApplied } from "../../bench/ingest/applied.ts";
import { type IngestOptions, runIngest, runPolling } from "../../bench/ingest/autocannon.ts";
import { type Cluster, INGEST_TOKEN, killAll, startCluster, tokenFor } from "../faults/cluster.ts";

afterEach(killAll);

const running = () => new AbortController().signal;

function optionsFor(hub: Pick<Cluster, "internalUrl">, more: Partial<IngestOptions> = {}): IngestOptions {
  return {
    internalUrl: hub.internalUrl,
    ingestToken: INGEST_TOKEN,
    form: "batch",
    connections: 4,
    prefix: "ingest",
    durationMs: 1_500,
    signal: running(),
    ...more,
  };
}

const check = (hub: Cluster, { jobs }: Awaited<ReturnType<typeof runIngest>>) =>
  checkApplied({ publicUrl: hub.publicUrl, tokenOf: tokenFor, jobs, signal: running() });

test.each([
  ["batch", "0"],
  ["single", "0"],
  ["batch", "2"],
] as const)("every event of a %s is accepted, and shown, with --workers %s", async (form, workers) => {
  const hub = await startCluster("--workers", workers);
  const seen: number[] = [];
  const result = await runIngest(
    optionsFor(hub, { form, onProgress: ({ requests }) => seen.push(requests) }),
  );
  const { requests, non2xx, errors, latency, sent, accepted, unchanged, rejected, unclear } = result;
  expect({ non2xx, errors, unchanged, rejected, unclear }).toEqual({
    non2xx: 0,
    errors: 0,
    unchanged: 0,
    rejected: 0,
    unclear: 0,
  });
  expect(accepted).toBe(sent);
  expect(sent).toBe(form === "batch" ? 100 * requests : requests);
  expect(latency.totalCount).toBe(requests);
  expect(requests).toBeGreaterThan(4);
  expect(seen.length).toBeGreaterThan(0);
  expect(seen.at(-1)).toBeLessThanOrEqual(requests);
  expect(await check(hub, result)).toEqual({ photos: Math.min(400, sent), wrong: [] });
});

test("what was heard before is unchanged, and what isn't shown is found", async () => {
  const hub = await startCluster("--workers", "0");
  const first = await runIngest(optionsFor(hub, { connections: 1, durationMs: 1_000 }));
  const again = await runIngest(optionsFor(hub, { connections: 1, durationMs: 200 }));
  expect(again.accepted).toBeLessThan(again.sent);
  expect(again.accepted + again.unchanged).toBe(again.sent);
  const [job] = first.jobs;
  const photo = job?.photos.get("photo-0");
  if (job === undefined || photo === undefined) throw new Error("no photo");
  const much = { least: photo.least + 2 ** 30, most: photo.most + 2 ** 30 };
  const jobs = [{ jobId: job.jobId, userId: job.userId, photos: new Map([["photo-0", much]]) }];
  const { wrong } = await checkApplied({
    publicUrl: hub.publicUrl,
    tokenOf: tokenFor,
    jobs,
    signal: running(),
    deadlineMs: 300,
  });
  expect(wrong).toMatchObject([{ jobId: job.jobId, photoId: "photo-0", expected: much }]);
});

test("refused requests are counted, and nothing of them is expected to be shown", async () => {
  const hub = await startCluster("--workers", "0");
  const result = await runIngest(optionsFor(hub, { ingestToken: "another", durationMs: 300 }));
  expect(result.requests).toBeGreaterThan(0);
  expect(result).toMatchObject({ non2xx: result.requests, unclear: result.requests, accepted: 0 });
  expect(result.latency.totalCount).toBe(0);
  expect((await check(hub, result)).wrong).toEqual([]);
});

test("ends when it is stopped, with what it has", async () => {
  const hub = await startCluster("--workers", "0");
  const stop = new AbortController();
  const result = await runIngest(
    optionsFor(hub, { durationMs: 60_000, signal: stop.signal, onProgress: () => stop.abort() }),
  );
  expect(result.durationMs).toBeLessThan(30_000);
  expect(result.accepted).toBeGreaterThan(0);
  expect((await check(hub, result)).wrong).toEqual([]);
});

test("gives up on a hub that isn't there", async () => {
  const nowhere = { internalUrl: "http://127.0.0.1:9" };
  const result = await runIngest(optionsFor(nowhere, { durationMs: 60_000 }));
  expect(result).toMatchObject({ requests: 0, accepted: 0 });
  expect(result.errors).toBeGreaterThan(0);
  expect(result.durationMs).toBeLessThan(30_000);
});

test("polls are answered with a snapshot, and after that with what is newer", async () => {
  const hub = await startCluster("--workers", "0");
  await runIngest(optionsFor(hub, { durationMs: 500 }));
  const result = await runPolling({
    publicUrl: hub.publicUrl,
    tokens: [0, 1, 2, 3].map((index) => tokenFor(`ingest-${index}`)),
    connections: 8,
    durationMs: 1_000,
    signal: running(),
  });
  expect(result).toMatchObject({ non2xx: 0, errors: 0, malformed: 0 });
  expect(result.requests).toBeGreaterThan(80);
  // A snapshot for each, of a job or a few of a hundred photos; nothing has happened since, though many polls have come.
  expect(result.messages).toBeGreaterThanOrEqual(8 * 101);
  expect(result.messages / result.requests).toBeLessThan(101 / 2);
  expect(result.latency.totalCount).toBe(result.requests);
});
