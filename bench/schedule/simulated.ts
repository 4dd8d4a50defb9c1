import type { CloudEvent } from "../../simulator/event.ts";
import type { Naming } from "../../simulator/plan.ts";
import type { Profile } from "../../simulator/profile.ts";
import { builtInProfile } from "../../simulator/profiles.ts";
import { Workload } from "../../simulator/workload.ts";
import { jobIdOf, userIdOf } from "./steady.ts";

// The simulator's uploads as a pure function of their seed: what the emitter sends, and each audit computes again for
// its own user. One job a user; sizes, speeds, failures and retries are the simulator's.

export interface Simulated {
  /** Begins every id, so that runs against the same hub don't meet. */
  readonly run: string;
  /** Tells this load's jobs from those of another load of the same run. */
  readonly name: string;
  readonly seed: number;
  /** Users 0 to `users` - 1 of the population. */
  readonly users: number;
  readonly photosPerJob: number;
  /** Photos of a job that upload at the same time. */
  readonly parallelUploads: number;
  /** Of all users. */
  readonly eventCount: number;
  /** Users begin within so long after the start, in milliseconds of the simulator's clock. */
  readonly spreadMs: number;
  /** How much faster than the simulator's clock time goes. */
  readonly speed: number;
  /** When that clock begins, in microseconds of the run. */
  readonly startUs: number;
}

type Unnumbered = Omit<Simulated, "eventCount">;

export interface DueEvent {
  /** In whole microseconds of the run. */
  readonly dueUs: number;
  readonly event: CloudEvent;
}

const US_PER_MS = 1_000;
/** Some photos move faster than they are shown, most do not. */
const PROGRESS_EVERY_MS = 100;
const REALISTIC = builtInProfile("realistic");

/** The simulator counts users from 1. */
function namesOf({ run, name }: Pick<Simulated, "run" | "name">): Naming {
  return (_seed, user) => ({ userId: userIdOf(run, user - 1), jobId: jobIdOf(run, user - 1, name) });
}

/** As the simulator's realistic users, one job each, of which nobody goes away: each photo comes to an ending. */
function profileOf({ users, photosPerJob, parallelUploads, spreadMs }: Unnumbered): Profile {
  const { upload, trouble, photos, ...rest } = REALISTIC;
  const { fails, attempts, retryAfter, resumes } = trouble;
  const none = { cancels: 0, dies: 0, overruns: 0, pauses: 0, sleeps: 0, leaves: 0, cancelsJob: 0 };
  const count = { median: photosPerJob, spread: 0, min: undefined, max: undefined };
  return {
    ...rest,
    users,
    arriveWithin: spreadMs,
    // The last of those on slower lines would be at it for long when the others are done.
    networks: { wifi: 3, office: 1 },
    jobs: { ...REALISTIC.jobs, perUser: 1, announced: 1, closed: 1 },
    photos: { ...photos, count },
    upload: { ...upload, atOnce: parallelUploads, progressEvery: PROGRESS_EVERY_MS },
    trouble: { ...trouble, ...none, fails, attempts, retryAfter, resumes },
  };
}

/** The events of all users, or of one alone, in the order in which they are due. */
export function* simulatedEvents(
  simulated: Unnumbered,
  user: number | null = null,
): Generator<DueEvent, void> {
  const { seed, speed, startUs } = simulated;
  const profile = profileOf(simulated);
  const workload = new Workload({
    profile: user === null ? profile : { ...profile, users: 1 },
    ...{ seed, firstUser: (user ?? 0) + 1, names: namesOf(simulated) },
  });
  for (let next = workload.next(); next !== null; next = workload.next()) {
    yield { dueUs: Math.round(startUs + (next.atMs * US_PER_MS) / speed), event: next.event };
  }
}

/** With its events counted: takes as long as to make all of them. */
export function counted(simulated: Unnumbered): Simulated {
  let eventCount = 0;
  for (const _ of simulatedEvents(simulated)) eventCount += 1;
  return { ...simulated, eventCount };
}
