import { afterEach, describe, expect, test } from "vitest";
import { childrenOf } from "../../bench/machine/processes.ts";
import { until } from "../../simulator/oracle/until.ts";
import { event } from "../events.ts";
import { INGEST_TOKEN } from "../hub.ts";
import {
  endBaselines,
  expectRisingIds,
  interleaved,
  jobOf,
  open,
  photoStory,
  startBaseline,
  storyOf,
  tokenFor,
  untilEnded,
  watch,
} from "./baseline-process.ts";

afterEach(endBaselines);

describe.each([0, 1, 2])("plain-socketio with %i workers", (workers) => {
  test("gives every device of a user the photo's and the job's messages, and nobody else's", async () => {
    const server = await startBaseline("plain-socketio", "--workers", String(workers));
    expect(server.workers).toBe(workers);
    // The primary gives connections to the workers in turn.
    const users = ["anna", "anna", "anna", "bob"];
    const devices = await Promise.all(users.map((user) => watch("socketio", server, user)));
    const events = interleaved();
    const answer = await server.post(events.flatMap((one, index) => (index === 3 ? [one, one] : [one])));
    expect([answer.status, await answer.json()]).toEqual([200, { accepted: 14, unchanged: 1, rejected: [] }]);
    for (const [index, device] of devices.entries()) {
      await untilEnded(device);
      const jobId = `job-${users[index]}`;
      expect(device.messages.every((message) => message.jobId === jobId)).toBe(true);
      expect(storyOf(device).filter(({ photoId }) => photoId !== undefined)).toMatchObject([
        ...photoStory(jobId),
        { type: "upload_failed", photoId: "p2", progress: 50, status: "FAILED" },
      ]);
      const jobs = device.messages.filter(({ photoId }) => photoId === undefined);
      expect(jobs.map(({ progress, status }) => [progress, status])).toEqual([
        [0, "UPLOADING"],
        [0, "UPLOADING"],
        [45.5, "UPLOADING"],
        [47.7, "UPLOADING"],
        [75, "UPLOADING"],
        [75, "UPLOADING"],
        [100, "PARTIAL"],
      ]);
      const photos = { total: 2, completed: 1, failed: 1, cancelled: 0, active: 0 };
      expect(jobs.at(-1)).toMatchObject({
        type: "job_completed",
        photos,
        bytesTransferred: 1500,
        title: "Holiday",
      });
      expectRisingIds(device.messages, "plain-");
    }
  });
});

test("plain-socketio refuses a token of another key, for clients and for events", async () => {
  const server = await startBaseline("plain-socketio", "--workers", "1");
  const token = tokenFor("anna", "x".repeat(32));
  const watcher = open("socketio", server.publicUrl, token);
  await watcher.until(({ ended }) => ended, "a refusal for good");
  expect(watcher.ends).toMatchObject([{ code: "token_invalid" }]);
  expect((await server.post([event.started()], "y".repeat(INGEST_TOKEN.length))).status).toBe(401);
});

test("plain-socketio replaces workers that were killed, on the same ports", async () => {
  const server = await startBaseline("plain-socketio", "--workers", "2");
  const killed = childrenOf(server.child.pid ?? 0).map(({ pid }) => pid);
  expect(killed).toHaveLength(2);
  for (const pid of killed) process.kill(pid, "SIGKILL");
  await until(
    () =>
      server.post([]).then(
        ({ status }) => status === 200,
        () => false,
      ),
    "events are taken again",
    15_000,
  );
  const device = await watch("socketio", server, "u");
  await server.post(jobOf("u", "j"));
  await untilEnded(device);
  expect(childrenOf(server.child.pid ?? 0).some(({ pid }) => killed.includes(pid))).toBe(false);
});
