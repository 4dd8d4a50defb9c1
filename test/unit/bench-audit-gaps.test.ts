import { expect, it } from "vitest";
import { Audit } from "../../bench/load/audit.ts";
import { dueInRoundUs, jobIdOf, photoIdOf, type Steady } from "../../bench/schedule/steady.ts";

const steady: Steady = {
  run: "run",
  name: "load1",
  users: 1,
  photosPerUser: 1,
  rounds: 3,
  eventsPerSecond: 1,
  startUs: 0,
};
const rules = { photoIntervalMs: 50, jobIntervalMs: 80, isDense: true };
const message = (number: number, round: number) => ({
  type: "upload_progress",
  id: `r0-${number}`,
  jobId: jobIdOf("run", 0, "load1"),
  photoId: photoIdOf(0),
  bytesTransferred: dueInRoundUs(steady, 0, round),
});

function lostOf(isFirstAnywhere: boolean, numbers: readonly number[]): number {
  const audit = new Audit(steady, 0, 0, { ...rules, isFirstAnywhere });
  audit.connected("r0-100");
  for (const [round, number] of numbers.entries()) audit.take(message(number, round), 5_000_000);
  return audit.counts.lost;
}

it("takes a jump to a user's first number for no gap where the hub keeps its state in Redis", () => {
  expect(lostOf(true, [1_101, 1_102, 1_103])).toBe(0);
  expect(lostOf(true, [1_101, 1_103])).toBe(1);
  expect(lostOf(false, [1_101, 1_102])).toBe(1_000);
});

it("takes a gap for what was merged where processes of the hub are killed, and an ending that is missed for lost all the same", () => {
  const audit = new Audit(steady, 0, 0, { ...rules, maySkip: true });
  audit.connected("r0-100");
  for (const [round, number] of [101, 104].entries()) audit.take(message(number, round), 5_000_000);
  expect(audit.counts).toMatchObject({ lost: 0, merged: 2 });
  audit.finish(false);
  expect(audit.counts).toMatchObject({ lost: 2, merged: 2 });
});
