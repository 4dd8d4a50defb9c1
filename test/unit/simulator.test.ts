import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Deliveries, type Sent } from "../../simulator/delivery.ts";
import type { SimulatedEvent } from "../../simulator/event.ts";
import { type Profile, ProfileError, parseProfile } from "../../simulator/profile.ts";
import { builtInProfile, PROFILES, profileJson } from "../../simulator/profiles.ts";
import { Random } from "../../simulator/random.ts";
import { Workload, type WorkloadOptions } from "../../simulator/workload.ts";

/** Two users with two jobs of five photos each. */
function profileWith(more: Partial<Profile> = {}): Profile {
  const profile = builtInProfile("realistic");
  const count = { median: 5, spread: 0, min: undefined, max: undefined };
  return {
    ...profile,
    users: 2,
    jobs: { ...profile.jobs, perUser: 2, announced: 1, closed: 1 },
    photos: { ...profile.photos, count },
    trouble: { ...profile.trouble, leaves: 0, cancelsJob: 0 },
    ...more,
  };
}

function all(options: Partial<WorkloadOptions> = {}): readonly SimulatedEvent[] {
  return drained(new Workload({ profile: profileWith(), seed: 1, ...options }));
}

function drained<Item>(source: { next(): Item | null }): Item[] {
  const items: Item[] = [];
  for (let next = source.next(); next !== null; next = source.next()) items.push(next);
  return items;
}

/** Some of each built-in profile, small enough to be run many times. */
const anyOptions: fc.Arbitrary<WorkloadOptions> = fc
  .record({
    name: fc.constantFrom(...PROFILES),
    seed: fc.nat(),
    users: fc.integer({ min: 1, max: 4 }),
    perUser: fc.integer({ min: 1, max: 3 }),
    photos: fc.integer({ min: 0, max: 8 }),
    atOnce: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ name, seed, users, perUser, photos, atOnce }) => {
    const profile = builtInProfile(name);
    const count = { median: photos, spread: 0, min: undefined, max: undefined };
    return {
      seed,
      profile: {
        ...{ ...profile, users },
        jobs: { ...profile.jobs, perUser, atOnce },
        photos: { ...profile.photos, count },
      },
    };
  });

describe("the events of a workload", () => {
  test("are the same for the same seed, to the byte, and others for another", () => {
    const textOf = (options: WorkloadOptions) => JSON.stringify(drained(new Workload(options)));
    fc.assert(fc.property(anyOptions, (options) => void expect(textOf(options)).toBe(textOf(options))));
    expect(all({ seed: 2 })).not.toEqual(all({ seed: 1 }));
  });

  test("come in the order of the simulated clock, each id once", () => {
    fc.assert(
      fc.property(anyOptions, (options) => {
        const events = drained(new Workload(options));
        const times = events.map(({ atMs }) => atMs);
        expect(times).toEqual(times.toSorted((one, other) => one - other));
        expect(new Set(events.map(({ event }) => event.id)).size).toBe(events.length);
        const [first] = events;
        expect(
          first === undefined ||
            Date.parse(first.event.time) === Date.UTC(2026, 0, 1) + Math.round(first.atMs),
        ).toBe(true);
      }),
    );
  });

  test("of a user are the same whoever else there is", () => {
    fc.assert(
      fc.property(anyOptions, ({ profile, seed }) => {
        const crowd = drained(new Workload({ profile, seed }));
        const { users } = profile;
        const alone = drained(new Workload({ profile: { ...profile, users: 1 }, seed, firstUser: users }));
        const userId = alone[0]?.event.data.userId;
        expect(alone).toEqual(crowd.filter(({ event }) => event.data.userId === userId));
      }),
    );
  });

  test("tell each job whole: created, its photos from start to an ending, completed", () => {
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
      for (const type of lastOf.values())
        expect(type).toMatch(/^photo\.upload\.(completed|failed|cancelled)$/);
    }
  });

  test("have attempts that fail and are tried again; bytes only rise within one, and a few times pass the size", () => {
    fc.assert(
      fc.property(anyOptions, ({ profile, seed }) => {
        const bytes = new Map<string, number>();
        const overruns = profile.trouble.overruns > 0;
        for (const { event } of drained(new Workload({ profile, seed }))) {
          const { type, data } = event;
          if (type !== "photo.upload.progressed") continue;
          const key = `${data.jobId}/${data.photoId}/${data.attempt}`;
          const now = Number(data.bytesTransferred);
          expect(Number.isInteger(now)).toBe(true);
          expect(now).toBeGreaterThan(bytes.get(key) ?? 0);
          if (!overruns) expect(now).toBeLessThanOrEqual(data.totalBytes ?? Number.MAX_SAFE_INTEGER);
          bytes.set(key, now);
        }
      }),
    );
    const { photos } = builtInProfile("realistic");
    const types = all({ profile: profileWith({ users: 30, photos }) }).map(({ event }) => event);
    expect(types.some(({ type }) => type === "photo.upload.failed")).toBe(true);
    expect(types.some(({ type }) => type === "photo.upload.cancelled")).toBe(true);
    expect(types.some(({ data }) => data.attempt === 2)).toBe(true);
  });

  test("name the first user demo", () => {
    const userIds = all({ profile: profileWith({ users: 3 }) }).map(({ event }) => event.data.userId);
    expect(new Set(userIds)).toEqual(new Set(["demo", "demo-2", "demo-3"]));
  });

  test("end with a duration: each user's first job whole, and of the others those that are likely to fit", () => {
    const jobs = { ...profileWith().jobs, perUser: null };
    const durationMs = 120_000;
    const events = all({ profile: profileWith({ jobs }), durationMs });
    const byJob = [...groupByJob(events).values()];
    expect(byJob.length).toBeGreaterThan(4);
    for (const job of byJob) {
      expect(job[0]?.atMs).toBeLessThan(durationMs);
      expect(job.at(-1)?.event.type).toBe("uploadjob.completed");
    }
    const short = all({ profile: profileWith({ jobs, arriveWithin: 0 }), durationMs: 1 });
    expect(groupByJob(short).size).toBe(2);
  });

  test("of a profile with a rate are exactly so many a second of each user", () => {
    const profile = { ...builtInProfile("rate"), users: 3, eventsPerSecond: 40 };
    const events = drained(new Workload({ profile, seed: 5, durationMs: 20_000 }));
    for (const userId of ["demo", "demo-2", "demo-3"]) {
      const times = events.filter(({ event }) => event.data.userId === userId).map(({ atMs }) => atMs);
      expect(times.length).toBe(800);
      for (const [at, time] of times.entries()) expect(time).toBeCloseTo((times[0] ?? 0) + at * 25, 3);
    }
  });
});

describe("a line", () => {
  test("is slow, fast and away by turns: the same photos take longer on a train than in an office", () => {
    const lasts = (network: "train" | "office") => {
      const { photos, trouble } = builtInProfile("rate");
      const job = { jobs: { ...builtInProfile("bulk").jobs }, photos, trouble };
      const events = all({ profile: profileWith({ ...job, networks: { [network]: 1 }, arriveWithin: 0 }) });
      return Math.max(...events.map(({ atMs }) => atMs));
    };
    expect(lasts("train")).toBeGreaterThan(4 * lasts("office"));
  });

  test("gives all that goes through it to the photos under way", () => {
    // 20 photos of 6 MB in an office of 12 MB/s: 10 s, whether one by one or all at once.
    const photos = parseProfile(profileJson("rate")).photos;
    const sizes = [{ weight: 1, median: 6_000_000, spread: 0, min: undefined, max: undefined }];
    const base = {
      ...builtInProfile("bulk"),
      photos: { ...photos, sizes },
      trouble: builtInProfile("rate").trouble,
    };
    for (const atOnce of [1, 20]) {
      const profile = { ...base, upload: { ...base.upload, atOnce, processing: 0 } };
      const events = drained(new Workload({ profile, seed: 3 }));
      const seconds = (events.at(-1)?.atMs ?? 0) / 1_000;
      expect(seconds).toBeGreaterThan(7);
      expect(seconds).toBeLessThan(14);
    }
  });
});

describe("on their way", () => {
  const delivered = (seed: number, delivery: Partial<Profile["delivery"]>): readonly Sent[] => {
    const none = { duplicates: 0, late: [], publishers: 1 };
    return drained(
      new Deliveries(new Workload({ profile: profileWith(), seed }), { ...none, ...delivery }, seed),
    );
  };

  test("events stay as they are, where nothing happens to them", () => {
    expect(delivered(1, {})).toEqual(all().map((event) => ({ ...event, publisher: 0 })));
  });

  test("all of them come, some twice, some overtaken by others, from several publishers, in the order of sending", () => {
    const sent = delivered(1, { duplicates: 0.2, late: [{ chance: 0.5, upTo: 2_000 }], publishers: 3 });
    const ids = sent.map(({ event }) => event.id);
    expect(new Set(ids)).toEqual(new Set(all().map(({ event }) => event.id)));
    expect(ids.length).toBeGreaterThan(all().length * 1.1);
    expect([...new Set(ids)]).not.toEqual(all().map(({ event }) => event.id));
    const times = sent.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    expect(new Set(sent.map(({ publisher }) => publisher)).size).toBe(3);
    expect(sent).toEqual(
      delivered(1, { duplicates: 0.2, late: [{ chance: 0.5, upTo: 2_000 }], publishers: 3 }),
    );
  });
});

describe("a profile", () => {
  test.each(PROFILES)("%s is sound, and says what it is about", (name) => {
    const { about } = builtInProfile(name);
    expect(about.length).toBeGreaterThan(20);
    expect(about.length).toBeLessThan(140);
  });

  test("that is wrong is told every mistake, by its place", () => {
    const wrong = {
      ...JSON.parse(profileJson("realistic")),
      users: 0,
      upload: { atOnce: 3, progresEvery: "250ms", processing: "soon" },
      trouble: { fails: 2, retryAfter: { median: "fast" } },
      networks: { dialup: 1 },
    };
    expect(() => parseProfile(JSON.stringify(wrong))).toThrow(ProfileError);
    const told = problemsOf(JSON.stringify(wrong));
    expect(told).toContain("upload.progresEvery is unknown; did you mean progressEvery?");
    expect(told).toContain('upload.processing: must be a time such as 250ms or 5s, not "soon"');
    expect(told).toContain('trouble.retryAfter.median: must be a time such as 250ms or 5s, not "fast"');
    expect(told.some((line) => line.startsWith("users: "))).toBe(true);
    expect(told.some((line) => line.startsWith("trouble.fails: "))).toBe(true);
    expect(told.some((line) => line.startsWith("networks"))).toBe(true);
    expect(told).toHaveLength(7);
    expect(problemsOf("{")[0]).toMatch(/^is no JSON: /);
    expect(problemsOf("{}").length).toBeGreaterThan(3);
    expect(problemsOf("[]")).toHaveLength(1);
  });
});

test("random numbers are spread over their range", () => {
  const random = new Random("spread");
  const counts = Array.from({ length: 10 }, () => 0);
  for (let draw = 0; draw < 10_000; draw += 1) {
    const bucket = random.integer(0, 9);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  const drawn = (draw: () => number) => Array.from({ length: 2_001 }, draw).sort((one, other) => one - other);
  const sizes = drawn(() => random.logNormal(100, 0.5));
  expect(sizes[0]).toBeGreaterThan(0);
  expect(Math.abs((sizes[1_000] ?? 0) - 100)).toBeLessThan(8);
  const lasting = drawn(() => random.exponential(100));
  expect(lasting[0]).toBeGreaterThanOrEqual(0);
  expect(Math.abs((lasting[1_000] ?? 0) - 69.3)).toBeLessThan(8);
  const choices = [{ weight: 1 }, { weight: 3 }] as const;
  const second = drawn(() => (random.weighted(choices) === choices[1] ? 1 : 0)).reduce(
    (sum, one) => sum + one,
    0,
  );
  expect(Math.abs(second / 2_001 - 0.75)).toBeLessThan(0.05);
});

function problemsOf(json: string): readonly string[] {
  try {
    parseProfile(json);
    return [];
  } catch (error) {
    return error instanceof Error ? error.message.split("\n") : [];
  }
}

function groupByJob(events: readonly SimulatedEvent[]): Map<unknown, SimulatedEvent[]> {
  const groups = new Map<unknown, SimulatedEvent[]>();
  for (const event of events) {
    const group = groups.get(event.event.data.jobId) ?? [];
    group.push(event);
    groups.set(event.event.data.jobId, group);
  }
  return groups;
}
