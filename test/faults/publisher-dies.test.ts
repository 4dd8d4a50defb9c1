import { afterEach, expect, test } from "vitest";
import { CLEAN } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { metricOf } from "./metric.ts";
import { endScenes, startScene } from "./scene.ts";

afterEach(endScenes);

const STALL_MS = 2_000;
const EXPIRE_MS = 6_000;
const GRACE_MS = 1_000;
/** Beyond when it is due, on a busy machine. */
const SLACK_MS = 3_000;

test("the publisher dies in mid-upload: photos stall, then fail by time-out, jobs end, and nothing stays open", async () => {
  const { hub, oracle, population, producer } = await startScene({
    flags: [
      ...["--workers", "1", "--stall-after", `${STALL_MS}ms`, "--expire-after", `${EXPIRE_MS}ms`],
      ...["--retry-grace", `${GRACE_MS}ms`, "--job-idle", `${GRACE_MS}ms`],
    ],
    users: 40,
    devicesPerUser: 3,
    kinds: ["socketio", "websocket", "sse"],
    rate: 200,
  });
  const photos = () =>
    population.records.flatMap(({ view }) =>
      [...view.values()].filter(({ photoId }) => photoId !== undefined),
    );
  const open = () => photos().filter(({ type }) => type === "upload_started" || type === "upload_progress");
  producer.abandon();
  const diedMs = performance.now();
  expect(await metricOf(hub, "open_photos")).toBeGreaterThan(20);

  const isStalled = () => open().length > 0 && open().every(({ stalled }) => stalled === true);
  await until(isStalled, "all that is open is stalled", STALL_MS + SLACK_MS);
  expect(performance.now() - diedMs).toBeLessThan(EXPIRE_MS);
  const stalled = open().length;

  await until(() => open().length === 0, "nothing is open", EXPIRE_MS + SLACK_MS);
  const timedOut = photos().filter(({ error }) => error?.code === "timeout");
  expect(timedOut.length).toBe(stalled);
  const jobs = () =>
    population.records.flatMap(({ view }) =>
      [...view.values()].filter(({ photoId }) => photoId === undefined),
    );
  await until(
    () => jobs().every(({ type }) => type === "job_completed"),
    "all jobs ended",
    EXPIRE_MS + GRACE_MS + SLACK_MS,
  );
  expect(await metricOf(hub, "open_photos")).toBe(0);
  expect(await metricOf(hub, "queue_entries")).toBe(0);
  expect(await oracle.settled(1_000)).toEqual(CLEAN);
  expect(population.disconnects()).toBe(0);
});
