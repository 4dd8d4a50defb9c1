import { httpSink } from "../../simulator/ingest.ts";
import { type JobPlan, planJob } from "../../simulator/plan.ts";
import type { Profile } from "../../simulator/profile.ts";
import { builtInProfile } from "../../simulator/profiles.ts";
import { newTotals, runEvents } from "../../simulator/runner.ts";
import { Workload } from "../../simulator/workload.ts";

export interface SimulatedUpload {
  readonly jobId: string;
  /** How each photo ends, by the generator's word: `COMPLETED`, `FAILED` or `CANCELLED`. */
  readonly endings: ReadonlyMap<string, string>;
  /** Resolves when all is sent. */
  readonly sent: Promise<void>;
}

export interface UploadOptions {
  readonly internalUrl: string;
  readonly ingestToken: string;
  readonly userId: string;
  readonly jobId: string;
  readonly seed: number;
  readonly photos: number;
  readonly change?: (profile: Profile) => Profile;
}

const ENDINGS = { completes: "COMPLETED", fails: "FAILED", cancels: "CANCELLED", dies: "FAILED" } as const;

/** A job of the simulator's demo in real time: two or three photos a second, with a few failures and retries. */
export function startUpload(options: UploadOptions): SimulatedUpload {
  const { internalUrl, ingestToken, userId, jobId, seed, change } = options;
  const demo = builtInProfile("demo");
  const plain: Profile = {
    ...demo,
    ...{ users: 1, arriveWithin: 0, networks: { office: 1 } },
    jobs: { ...demo.jobs, perUser: 1 },
    photos: { ...demo.photos, count: { median: options.photos, spread: 0, min: undefined, max: undefined } },
    trouble: { ...demo.trouble, fails: 0.15 },
  };
  const profile = change?.(plain) ?? plain;
  const names = () => ({ userId, jobId });
  const workload = new Workload({ profile, seed, names });
  const plan = planJob(profile, { seed, user: 1, job: 1, network: "office" }, names);
  const sent = runEvents({
    events: workload,
    sink: httpSink({ internalUrl, ingestToken }),
    pace: { kind: "speed", speed: 1 },
    ...{ signal: new AbortController().signal, totals: newTotals() },
  });
  return { jobId, endings: endingsOf(plan), sent };
}

function endingsOf({ photos }: JobPlan): ReadonlyMap<string, string> {
  return new Map(
    photos.map(({ photoId, attempts }) => [photoId, ENDINGS[attempts.at(-1)?.ending ?? "completes"]]),
  );
}
