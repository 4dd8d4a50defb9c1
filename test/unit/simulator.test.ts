import fc from "fast-check";
import { expect, test } from "vitest";
import type { SimulatedEvent } from "../../simulator/job.ts";
import { planJob } from "../../simulator/plan.ts";
import { Random } from "../../simulator/random.ts";
import { Workload, type WorkloadOptions } from "../../simulator/workload.ts";

const standard: WorkloadOptions = {
  seed: 1,
  users: 2,
  jobsPerUser: 2,
  photosPerJob: 5,
  parallelUploads: 3,
  parallelJobs: 1,
  admit: () => true,
};

function all(options: Partial<WorkloadOptions> = {}): readonly SimulatedEvent[] {
  const workload = new Workload({ ...standard, ...options });
  const events: SimulatedEvent[] = [];
  for (let next = workload.next(); next !== null; next = workload.next()) events.push(next);
  return events;
}

const anyOptions = fc.record({
  seed: fc.nat(),
  users: fc.integer({ min: 1, max: 4 }),
  jobsPerUser: fc.integer({ min: 1, max: 3 }),
  photosPerJob: fc.integer({ min: 0, max: 8 }),
  parallelUploads: fc.integer({ min: 1, max: 4 }),
  parallelJobs: fc.integer({ min: 1, max: 2 }),
});

test("the same seed gives the same events, ids and times included; another seed gives others", () => {
  fc.assert(fc.property(anyOptions, (options) => void expect(all(options)).toEqual(all(options))));
  expect(all({ seed: 2 })).not.toEqual(all({ seed: 1 }));
});

test("events come in the order of the simulated clock, each id once, as many as planned", () => {
  fc.assert(
    fc.property(anyOptions, (options) => {
      const events = all(options);
      const { seed, users, jobsPerUser, photosPerJob } = options;
      const times = events.map(({ atMs }) => atMs);
      expect(times).toEqual([...times].sort((one, other) => one - other));
      expect(new Set(events.map(({ event }) => event.id)).size).toBe(events.length);
      let planned = 0;
      for (let user = 1; user <= users; user += 1) {
        for (let job = 1; job <= jobsPerUser; job += 1)
          planned += planJob(seed, user, job, photosPerJob).eventCount;
      }
      expect(events).toHaveLength(planned);
    }),
  );
});

test("each job is told whole: created, its photos from start to an ending, completed", () => {
  const byJob = groupByJob(all());
  expect(byJob.size).toBe(4);
  for (const events of byJob.values()) {
    const types = events.map(({ event }) => event.type);
    expect(types[0]).toBe("uploadjob.created");
    expect(types.at(-1)).toBe("uploadjob.completed");
    const lastOf = new Map<unknown, string>();
    for (const { event } of events.slice(1, -1)) {
      if (!lastOf.has(event.data.photoId)) expect(event.type).toBe("photo.upload.started");
      lastOf.set(event.data.photoId, event.type);
    }
    expect(lastOf.size).toBe(5);
    for (const type of lastOf.values()) expect(type).toMatch(/^photo\.upload\.(completed|failed)$/);
  }
});

test("some photos fail and are tried again; bytes never pass the size, and only rise within an attempt", () => {
  const events = all({ users: 20, photosPerJob: 20 }).map(({ event }) => event);
  expect(events.some(({ type }) => type === "photo.upload.failed")).toBe(true);
  expect(events.some(({ data }) => data.attempt === 2)).toBe(true);
  const bytes = new Map<string, number>();
  for (const { type, data } of events) {
    if (type !== "photo.upload.progressed") continue;
    const key = `${data.jobId}/${data.photoId}/${data.attempt}`;
    const now = Number(data.bytesTransferred);
    expect(now).toBeGreaterThanOrEqual(bytes.get(key) ?? 0);
    expect(now).toBeLessThanOrEqual(Number(data.totalBytes ?? Number.MAX_SAFE_INTEGER));
    bytes.set(key, now);
  }
});

test("the first user is demo", () => {
  expect(new Set(all({ users: 3 }).map(({ event }) => event.data.userId))).toEqual(
    new Set(["demo", "demo-2", "demo-3"]),
  );
});

test("a job that is not admitted does not begin; those that have begun go on to their end", () => {
  let admitted = 0;
  const workload = new Workload({
    ...standard,
    users: 1,
    jobsPerUser: Number.POSITIVE_INFINITY,
    admit: () => ++admitted <= 3,
  });
  let last = "";
  for (let next = workload.next(); next !== null; next = workload.next()) last = next.event.type;
  expect(last).toBe("uploadjob.completed");
  expect(workload).toMatchObject({ jobsBegun: 3, jobsEnded: 3, pending: 0 });
});

test("random numbers are spread over their range", () => {
  const random = new Random("spread");
  const counts = Array.from({ length: 10 }, () => 0);
  for (let draw = 0; draw < 10_000; draw += 1) {
    const bucket = random.integer(0, 9);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  const sizes = Array.from({ length: 2_001 }, () => random.logNormal(100, 0.5)).sort(
    (one, other) => one - other,
  );
  expect(sizes[0]).toBeGreaterThan(0);
  expect(Math.abs((sizes[1_000] ?? 0) - 100)).toBeLessThan(8);
});

function groupByJob(events: readonly SimulatedEvent[]): Map<unknown, SimulatedEvent[]> {
  const groups = new Map<unknown, SimulatedEvent[]>();
  for (const event of events) {
    const group = groups.get(event.event.data.jobId) ?? [];
    group.push(event);
    groups.set(event.event.data.jobId, group);
  }
  return groups;
}
