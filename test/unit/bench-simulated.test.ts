import { describe, expect, it } from "vitest";
import { feedOf } from "../../bench/emit/feed.ts";
import type { Received } from "../../bench/load/audit.ts";
import { SimulatedAudit } from "../../bench/load/simulated-audit.ts";
import { jobTruth } from "../../bench/load/truth.ts";
import { countOf } from "../../bench/schedule/schedule.ts";
import { counted, type Simulated, simulatedEvents } from "../../bench/schedule/simulated.ts";
import { jobIdOf, userIdOf } from "../../bench/schedule/steady.ts";

const simulated: Simulated = counted({
  ...{ run: "run", name: "load1", seed: 1, users: 40, photosPerJob: 6, parallelUploads: 3 },
  ...{ spreadMs: 4_000, speed: 2, startUs: 1_000_000 },
});
const rules = { photoIntervalMs: 50, jobIntervalMs: 80, isDense: true };
const all = [...simulatedEvents(simulated)];

describe("a simulated schedule", () => {
  it("is what the emitter sends, each event in its turn, of users of the population", () => {
    const feed = feedOf(simulated);
    const sent: unknown[] = [];
    let last = 0;
    for (let dueUs = feed.dueUs; dueUs !== null; dueUs = feed.dueUs) {
      expect(dueUs).toBeGreaterThanOrEqual(last);
      last = dueUs;
      sent.push(JSON.parse(feed.take()));
    }
    expect(sent).toEqual(all.map(({ event }) => event));
    expect(sent).toHaveLength(countOf(simulated));
    const users = Array.from({ length: simulated.users }, (_, user) => userIdOf("run", user));
    expect([...new Set(all.map(({ event }) => event.data.userId))].toSorted()).toEqual(users.toSorted());
  });

  it("of one user is that user's part of all, due at the same time", () => {
    for (const user of [0, 7, 39]) {
      const part = all.filter(({ event }) => event.data.userId === userIdOf("run", user));
      expect([...simulatedEvents(simulated, user)]).toEqual(part);
    }
  });
});

/** What a hub would tell of a user that shows each event. */
function told(user: number): readonly [message: Received, dueUs: number][] {
  let number = 0;
  const bytes = new Map<unknown, number>();
  const types: Readonly<Record<string, string>> = {
    "photo.upload.started": "upload_started",
    "photo.upload.progressed": "upload_progress",
    "photo.upload.failed": "upload_failed",
    "photo.upload.completed": "upload_completed",
    "uploadjob.completed": "job_completed",
  };
  return [...simulatedEvents(simulated, user)].flatMap(({ event, dueUs }): [Received, number][] => {
    const type = types[event.type];
    if (type === undefined) return [];
    number += 1;
    const { photoId, attempt, bytesTransferred, totalBytes } = event.data;
    const isDone = type === "upload_completed";
    const now = isDone ? Number(totalBytes) : Number(bytesTransferred ?? bytes.get(photoId) ?? 0);
    if (photoId !== undefined) bytes.set(photoId, type === "upload_started" ? 0 : now);
    const head = { type, id: `e-${number}`, jobId: jobIdOf("run", user, "load1") };
    if (type !== "job_completed") {
      return [
        [{ ...head, photoId: String(photoId), attempt: Number(attempt), bytesTransferred: now }, dueUs],
      ];
    }
    const sum = [...bytes.values()].reduce((total, one) => total + one, 0);
    const photos = { total: bytes.size, completed: bytes.size, failed: 0 };
    return [[{ ...head, status: "COMPLETED", bytesTransferred: sum, totalBytes: sum, photos }, dueUs]];
  });
}

function auditOf(user: number, messages: readonly [Received, number][]) {
  const audit = new SimulatedAudit(simulated, user, rules);
  audit.connected(null);
  const samples = messages.flatMap(([message, dueUs]) => audit.take(message, dueUs + 3_000) ?? []);
  audit.finish();
  return { ...audit.counts, ...audit.simulated, isFinished: audit.isFinished, samples };
}

const CLEAN = { lost: 0, foreign: 0, disordered: 0, duplicate: 0, endingsLost: 0, untrue: 0 };
/** One of whose photos is sent again after a failure, and comes through. */
const retrying = Array.from({ length: simulated.users }, (_, user) => user).findIndex((user) => {
  const photos = [...jobTruth(simulated, user).photos.values()];
  return photos.every(({ isCompleted }) => isCompleted) && photos.some(({ attempts }) => attempts.length > 1);
});

describe("the audit of a simulated job", () => {
  it("takes the whole story for true, and knows when each message's event was due", () => {
    const messages = told(retrying);
    const { samples, events, photoMessages, ...found } = auditOf(retrying, messages);
    expect(found).toMatchObject({ ...CLEAN, isFinished: true });
    expect(photoMessages).toBe(events);
    const due = messages.filter(([{ type }]) => type !== "upload_started" && type !== "job_completed");
    expect(samples.map(({ dueUs }) => dueUs)).toEqual(due.map(([, dueUs]) => dueUs));
  });

  it.each([
    ["an ending that never came", { endingsLost: 1, untrue: 1, isFinished: false }, "upload_completed", null],
    ["a job whose end never came", { endingsLost: 1, isFinished: false }, "job_completed", null],
    ["a job that ends otherwise", { untrue: 1 }, "job_completed", { status: "PARTIAL" }],
    ["an ending with other bytes", { untrue: 1 }, "upload_completed", { bytesTransferred: 7 }],
    ["bytes that nobody sent", { foreign: 1 }, "upload_progress", { bytesTransferred: 2 ** 40 }],
    ["a photo of somebody else", { foreign: 1 }, "upload_progress", { photoId: "photo-99" }],
    ["an attempt that never was", { foreign: 1 }, "upload_progress", { attempt: 9 }],
  ] as const)("finds %s", (_what, finding, type, change) => {
    const messages = told(retrying);
    const index = messages.findLastIndex(([message]) => message.type === type);
    const found = messages.flatMap((one, at): [Received, number][] => {
      if (at !== index) return [one];
      // What is left out takes no number: that a message is missing is found by other means.
      return change === null ? [] : [[{ ...one[0], ...change }, one[1]]];
    });
    const numbered = found.map(([message, dueUs], at): [Received, number] => [
      { ...message, id: `e-${at + 1}` },
      dueUs,
    ]);
    expect(auditOf(retrying, numbered)).toMatchObject({ ...CLEAN, ...finding });
  });

  it("finds a message told again, one out of its order, and a gap", () => {
    const messages = told(retrying);
    const [first, second, third] = messages.filter(([{ type }]) => type === "upload_progress");
    if (first === undefined || second === undefined || third === undefined) throw new Error("too few");
    expect(auditOf(retrying, [first, first])).toMatchObject({ duplicate: 1 });
    const begun = messages[0] ?? first;
    expect(auditOf(retrying, [begun, second, first])).toMatchObject({ disordered: 1 });
    expect(auditOf(retrying, [begun, third]).lost).toBeGreaterThan(0);
  });
});
