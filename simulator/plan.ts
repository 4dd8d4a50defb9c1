import { Random } from "./random.ts";

/** One try of one photo. */
export interface AttemptPlan {
  /** Progress events before the ending. */
  readonly steps: number;
  readonly bytesAtEnd: number;
  readonly fails: boolean;
}

export interface PhotoPlan {
  readonly photoId: string;
  readonly fileName: string;
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
  /** Of one upload, when `parallelUploads` run. */
  readonly bytesPerSecond: number;
  /** Events that the job gives, the first and the last included. */
  readonly eventCount: number;
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
const MEDIAN_PHOTO_BYTES = 4_000_000;
const MIN_PHOTO_BYTES = 60_000;
const MAX_PHOTO_BYTES = 80_000_000;
const STEP_BYTES = 150_000;
const MAX_STEPS = 60;
const FAILURE_CHANCE = 0.04;
const MAX_ATTEMPTS = 3;

/** How a user and a job of theirs are called; both are counted from 1. */
export type Naming = (seed: number, user: number, job: number) => Pick<JobPlan, "userId" | "jobId">;

/** The first user is `demo`, so that the token of `serve --dev` shows something. */
const demoNames: Naming = (seed, user, job) => ({
  userId: user === 1 ? "demo" : `demo-${user}`,
  jobId: `sim-${seed}-${user}-${job}`,
});

/** The job number `job` (from 1) of that user: the same for the same arguments, whatever else was planned before. */
export function planJob(
  seed: number,
  user: number,
  job: number,
  photoCount: number,
  names: Naming = demoNames,
): JobPlan {
  const random = new Random(`${seed}/${user}/${job}`);
  const photos = Array.from({ length: photoCount }, (_, index) => planPhoto(random, index + 1));
  const attempts = photos.flatMap((photo) => photo.attempts);
  return {
    ...names(seed, user, job),
    title: `${random.pick(TITLES)} ${random.pick(PLACES)}`,
    photos,
    bytesPerSecond: Math.max(50_000, random.logNormal(1_500_000, 0.5)),
    eventCount: 2 + attempts.reduce((sum, { steps }) => sum + steps + 2, 0),
  };
}

function planPhoto(random: Random, number: number): PhotoPlan {
  const size = random.logNormal(MEDIAN_PHOTO_BYTES, 0.6);
  const bytes = Math.round(Math.min(MAX_PHOTO_BYTES, Math.max(MIN_PHOTO_BYTES, size)));
  const attempts: AttemptPlan[] = [];
  while (attempts.length < MAX_ATTEMPTS) {
    const fails = random.chance(FAILURE_CHANCE);
    const bytesAtEnd = fails ? Math.floor(bytes * random.next()) : bytes;
    attempts.push({ steps: Math.min(MAX_STEPS, Math.ceil(bytesAtEnd / STEP_BYTES)), bytesAtEnd, fails });
    if (!fails) break;
  }
  return {
    photoId: `photo-${number}`,
    fileName: `IMG_${String(random.integer(1, 9_999)).padStart(4, "0")}.jpg`,
    bytes,
    sizeKnown: !random.chance(0.03),
    attempts,
  };
}
