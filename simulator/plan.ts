import { meanBytesPerSecond, type Network, type Outage } from "./line.ts";
import type { Profile, Trouble, Varying } from "./profile.ts";
import { Random } from "./random.ts";

/** How an attempt of a photo ends: `dies`: nobody ever tells. */
type Ending = "completes" | "fails" | "cancels" | "dies";

/** One try of one photo. */
export interface AttemptPlan {
  /** Before it begins: after the one before it failed. */
  readonly waitMs: number;
  /** It goes on from where the one before it was. */
  readonly resumes: boolean;
  readonly bytesAtEnd: number;
  readonly ending: Ending;
}

export interface PhotoPlan {
  readonly photoId: string;
  readonly fileName: string;
  /** What the producer says it has. */
  readonly bytes: number;
  /** False: the producer does not know the size before the end. */
  readonly sizeKnown: boolean;
  /** At least one; all but the last fail. */
  readonly attempts: readonly AttemptPlan[];
}

export interface JobPlan {
  readonly jobId: string;
  readonly userId: string;
  readonly title: string;
  readonly photos: readonly PhotoPlan[];
  /** It says at its beginning how many photos follow. */
  readonly isAnnounced: boolean;
  /** It says at its end that none follows. */
  readonly isClosed: boolean;
  /** About how long it takes, troubles aside. */
  readonly estimateMs: number;
  /** After so many photos have ended it is cancelled; null: it is not. */
  readonly cancelledAfter: number | null;
  /** So long after its beginning the user is gone; null: the user stays. */
  readonly leavesAfterMs: number | null;
  /** Since its beginning. */
  readonly outages: readonly Outage[];
}

const TITLES = [
  "Holiday",
  "Wedding",
  "Birthday",
  "Weekend",
  "Concert",
  "Hike",
  "Family",
  "Road trip",
] as const;
const PLACES = [
  "in Norway",
  "by the sea",
  "in Lisbon",
  "at home",
  "in the Alps",
  "in Kyoto",
  "at the lake",
] as const;
/** More bytes than were told: so much more at most. */
const OVERRUN = 0.1;

/** How a user and a job of theirs are called; both are counted from 1. */
export type Naming = (seed: number, user: number, job: number) => Pick<JobPlan, "userId" | "jobId">;

/** The first user is `demo`, so that the token of `serve --dev` shows something. */
export const demoNames: Naming = (seed, user, job) => ({
  userId: user === 1 ? "demo" : `demo-${user}`,
  jobId: `sim-${seed}-${user}-${job}`,
});

/** The job number `job` (from 1) of that user: the same for the same arguments, whatever else was planned before. */
export function planJob(
  { photos, jobs, upload, trouble }: Profile,
  {
    seed,
    user,
    job,
    network,
  }: { readonly seed: number; readonly user: number; readonly job: number; readonly network: Network },
  names: Naming = demoNames,
): JobPlan {
  const random = new Random(`${seed}/${user}/${job}`);
  const count = Math.round(drawn(photos.count, random));
  const planned = Array.from({ length: count }, (_, index) => planPhoto(random, index + 1, photos, trouble));
  const bytes = planned.reduce((sum, photo) => sum + photo.bytes, 0);
  const processingMs = (upload.processing * count) / upload.atOnce;
  const estimateMs = (bytes * 1_000) / meanBytesPerSecond(network) + processingMs;
  return {
    ...names(seed, user, job),
    title: `${random.pick(TITLES)} ${random.pick(PLACES)}`,
    photos: planned,
    isAnnounced: random.chance(jobs.announced),
    isClosed: random.chance(jobs.closed),
    estimateMs,
    cancelledAfter: random.chance(trouble.cancelsJob) ? random.integer(0, Math.max(0, count - 1)) : null,
    leavesAfterMs: random.chance(trouble.leaves) ? random.next() * estimateMs : null,
    outages: outagesOf(trouble, estimateMs, random),
  };
}

/** As the distribution says, within its bounds. */
export function drawn({ median, spread, min, max }: Varying, random: Random): number {
  const value = spread === 0 ? median : random.logNormal(median, spread);
  return Math.min(max ?? Number.POSITIVE_INFINITY, Math.max(min ?? 0, value));
}

function planPhoto(
  random: Random,
  number: number,
  { sizes, sizeUnknown }: Profile["photos"],
  trouble: Trouble,
): PhotoPlan {
  const bytes = Math.round(drawn(random.weighted(sizes), random));
  const comes = random.chance(trouble.overruns) ? Math.ceil(bytes * (1 + OVERRUN * random.next())) : bytes;
  const attempts: AttemptPlan[] = [];
  while (attempts.at(-1)?.ending !== "completes") {
    const ending = endingOf(random, trouble);
    attempts.push({
      waitMs: attempts.length === 0 ? 0 : drawn(trouble.retryAfter, random),
      resumes: random.chance(trouble.resumes),
      bytesAtEnd: ending === "completes" ? comes : Math.floor(comes * random.next()),
      ending,
    });
    if (ending !== "fails" || attempts.length === trouble.attempts) break;
  }
  return {
    photoId: `photo-${number}`,
    fileName: `IMG_${String(random.integer(1, 9_999)).padStart(4, "0")}.jpg`,
    bytes,
    sizeKnown: !random.chance(sizeUnknown),
    attempts,
  };
}

function endingOf(random: Random, { fails, cancels, dies }: Trouble): Ending {
  const at = random.next();
  if (at < fails) return "fails";
  if (at < fails + cancels) return "cancels";
  return at < fails + cancels + dies ? "dies" : "completes";
}

function outagesOf(trouble: Trouble, estimateMs: number, random: Random): readonly Outage[] {
  const outages: Outage[] = [];
  const draw = (probability: number, lasts: Varying, share: number): void => {
    if (!random.chance(probability)) return;
    const fromMs = (share + random.next() / 2) * estimateMs + (outages[0]?.toMs ?? 0);
    outages.push({ fromMs, toMs: fromMs + drawn(lasts, random) });
  };
  draw(trouble.pauses, trouble.pausedFor, 0);
  draw(trouble.sleeps, trouble.asleepFor, outages.length / 2);
  return outages;
}
