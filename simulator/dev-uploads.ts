import { randomInt } from "node:crypto";
import { Deliveries } from "./delivery.ts";
import { httpSink, type IngestTarget } from "./ingest.ts";
import type { Profile } from "./profile.ts";
import { builtInProfile } from "./profiles.ts";
import { newTotals, runEvents } from "./runner.ts";
import { Workload } from "./workload.ts";

type Change = (profile: Profile) => Profile;

const of = (median: number): Profile["photos"]["count"] => ({
  ...{ median, spread: 0 },
  ...{ min: undefined, max: undefined },
});

const photos =
  (count: number): Change =>
  (profile) => ({ ...profile, photos: { ...profile.photos, count: of(count) } });

/** What the uploads page can start, each a job of the user who asks: from a few photos to what no screen shows at once. */
const DEV_UPLOADS = {
  few: photos(8),
  phone: (profile) => ({ ...photos(40)(profile), networks: { "4g": 1 } }),
  tunnel: (profile) => ({ ...photos(16)(profile), networks: { train: 1 } }),
  trouble: (profile) => ({
    ...photos(20)(profile),
    trouble: { ...profile.trouble, fails: 0.4, attempts: 2, cancels: 0.1 },
  }),
  thousands: (profile) => {
    const { photos: asTold, upload } = builtInProfile("tiny");
    return { ...profile, photos: { ...asTold, count: of(2_000) }, upload };
  },
} as const satisfies Record<string, Change>;

export type DevUploads = keyof typeof DEV_UPLOADS;

export function isDevUploads(kind: unknown): kind is DevUploads {
  return typeof kind === "string" && Object.hasOwn(DEV_UPLOADS, kind);
}

export interface DevJob {
  readonly jobId: string;
  /** Resolves when all is sent, or `signal` gave it up. Rejects with an `IngestError`. */
  readonly sent: Promise<void>;
}

/** A simulated job of that user, in real time. */
export function startDevUploads(
  kind: DevUploads,
  userId: string,
  target: IngestTarget,
  signal: AbortSignal,
): DevJob {
  const seed = randomInt(2 ** 31);
  const jobId = `sim-${seed}`;
  const demo = builtInProfile("demo");
  const profile = DEV_UPLOADS[kind]({
    ...demo,
    ...{ users: 1, arriveWithin: 0, jobs: { ...demo.jobs, perUser: 1, apart: of(0) } },
  });
  const workload = new Workload({ profile, seed, names: () => ({ userId, jobId }) });
  const sent = runEvents({
    events: new Deliveries(workload, profile.delivery, seed),
    sink: httpSink(target),
    pace: { kind: "speed", speed: 1 },
    ...{ signal, totals: newTotals() },
  });
  return { jobId, sent };
}
