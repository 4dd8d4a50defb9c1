import { describe, expect, test } from "vitest";
import type { Job } from "../../src/domain/job.ts";
import { QuietJobs } from "../../src/engine/resident/quiet-jobs.ts";

interface Kept {
  readonly name: string;
  readonly job: Job;
}

/** What is looked at: its photos' number, and whether it has ended with none of them under way. */
function keptOf(name: string, photos: number, active = 0): Kept {
  const ended = { status: "COMPLETED", atMs: 1 };
  return { name, job: { ended, tally: { active }, photos: { size: photos } } as unknown as Job };
}

const namesOf = (jobs: readonly Kept[]) => jobs.map(({ name }) => name);

describe("the photos of quiet jobs", () => {
  test("of thousands of small jobs stay", () => {
    const quiet = new QuietJobs<Kept>();
    const forgotten = Array.from({ length: 1_500 }, (_, index) => quiet.touch(keptOf(`${index}`, 6))).flat();
    expect(forgotten).toEqual([]);
  });

  test("go for those of others, the longest untouched first, however many it takes", () => {
    const quiet = new QuietJobs<Kept>();
    const jobs = ["a", "b", "c"].map((name) => keptOf(name, 5_000));
    for (const job of jobs) expect(quiet.touch(job)).toEqual([]);
    for (const job of jobs.slice(0, 1)) quiet.touch(job);
    expect(namesOf(quiet.touch(keptOf("d", 10_000)))).toEqual(["b", "c"]);
    expect(namesOf(quiet.touch(keptOf("e", 2_000)))).toEqual(["a"]);
  });

  test("stay of the one that was asked for last, though it is too large", () => {
    const quiet = new QuietJobs<Kept>();
    quiet.touch(keptOf("small", 1));
    const large = keptOf("large", 100_000);
    expect(namesOf(quiet.touch(large))).toEqual(["small"]);
    expect(quiet.touch(large)).toEqual([]);
    expect(namesOf(quiet.touch(keptOf("next", 1)))).toEqual(["large"]);
  });

  test("count as often as they are here: not those of a job that was left, or has something to do again", () => {
    const quiet = new QuietJobs<Kept>();
    const [first, second] = [keptOf("first", 16_000), keptOf("second", 16_000)];
    quiet.touch(first);
    quiet.leave(first);
    quiet.leave(first);
    expect(quiet.touch(second)).toEqual([]);
    expect(quiet.touch(keptOf("busy", 16_000, 1))).toEqual([]);
    expect(namesOf(quiet.touch(first))).toEqual(["second"]);
  });

  test("of many empty jobs find an end too", () => {
    const quiet = new QuietJobs<Kept>();
    const forgotten = Array.from({ length: 5_000 }, (_, index) => quiet.touch(keptOf(`${index}`, 0))).flat();
    expect(forgotten.length).toBe(5_000 - 16_384 / 4);
  });
});
