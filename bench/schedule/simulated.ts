import type { CloudEvent } from "../../simulator/job.ts";
import { type Naming, planJob } from "../../simulator/plan.ts";
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
  /** Users begin within so long after the start, in milliseconds of the simulator's clock. */
  readonly spreadMs: number;
  /** How much faster than the simulator's clock time goes. */
  readonly speed: number;
  /** When that clock begins, in microseconds of the run. */
  readonly startUs: number;
}

export interface DueEvent {
  /** In whole microseconds of the run. */
  readonly dueUs: number;
  readonly event: CloudEvent;
}

const US_PER_MS = 1_000;
/** Of a user's jobs, counted from 1. */
const ONLY_JOB = 1;

/** The simulator counts users from 1. */
function namesOf({ run, name }: Simulated): Naming {
  return (_seed, user) => ({ userId: userIdOf(run, user - 1), jobId: jobIdOf(run, user - 1, name) });
}

/** The events of all users, or of one alone, in the order in which they are due. */
export function* simulatedEvents(
  simulated: Simulated,
  user: number | null = null,
): Generator<DueEvent, void> {
  const { seed, users, photosPerJob, parallelUploads, spreadMs, speed, startUs } = simulated;
  const workload = new Workload({
    ...{ seed, photosPerJob, parallelUploads, spreadMs },
    users: user === null ? users : 1,
    firstUser: (user ?? 0) + 1,
    names: namesOf(simulated),
    jobsPerUser: 1,
    parallelJobs: 1,
    admit: () => true,
  });
  for (let next = workload.next(); next !== null; next = workload.next()) {
    yield { dueUs: Math.round(startUs + (next.atMs * US_PER_MS) / speed), event: next.event };
  }
}

export function simulatedCount(simulated: Simulated): number {
  const { seed, users, photosPerJob } = simulated;
  const names = namesOf(simulated);
  let count = 0;
  for (let user = 1; user <= users; user += 1) {
    count += planJob(seed, user, ONLY_JOB, photosPerJob, names).eventCount;
  }
  return count;
}
