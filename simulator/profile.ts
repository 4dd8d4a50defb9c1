import { z } from "zod";
import { nearest } from "../src/config/errors.ts";
import { parseDuration, parseSize } from "../src/config/units.ts";
import { NETWORKS } from "./line.ts";

// What users do, as data: `simulator/profiles/*.json` are these, and a user may copy and change one. A chance is 0 to 1;
// a time is such as `250ms`, a size such as `4MB`.

const duration = z
  .string("must be a time such as 250ms or 5s, as a text")
  .transform((text, context) => unitOf(text, parseDuration, "a time such as 250ms or 5s", context));
const size = z
  .string("must be a size such as 300KB or 4MiB, as a text")
  .transform((text, context) => unitOf(text, parseSize, "a size such as 300KB or 4MiB", context));
const count = z.number().int().min(0).max(1_000_000);
const atLeastOne = z.number().int().min(1).max(1_000_000);
const chance = z.number().min(0).max(1);
const weight = z.number().positive();

/** More often nobody tells, and a user who does nothing between two jobs comes to no end. */
const LEAST_MS = 10;
const spread = z.number().min(0).max(3).default(0);

/** Always the same, or log-normal around its median; `spread` is that of the logarithm: 0.5 is a factor of 1.65. */
function varying<Of extends z.ZodType<number, unknown>>(of: Of) {
  const around = z.strictObject({ median: of, spread, min: of.optional(), max: of.optional() });
  return z.union([of.transform((median) => ({ median, spread: 0, min: undefined, max: undefined })), around]);
}

const jobsSchema = z.strictObject({
  /** One after the other; null: until the end of `--duration`, or for ever. */
  perUser: atLeastOne.nullable(),
  /** So many of a user at the same time. */
  atOnce: atLeastOne.default(1),
  /** From the end of one to the beginning of the next. */
  apart: varying(duration).prefault("3s"),
  /** How many of them say at their beginning how many photos follow. */
  announced: chance.default(1),
  /** How many say at their end that none follows. */
  closed: chance.default(1),
});

const photosSchema = z.strictObject({
  /** Of a job. */
  count: varying(count),
  /** Each photo is of one of these kinds. */
  sizes: z
    .array(
      z.strictObject({
        weight: weight.default(1),
        median: size,
        spread,
        min: size.optional(),
        max: size.optional(),
      }),
    )
    .min(1),
  sizeUnknown: chance.default(0),
});

const uploadSchema = z.strictObject({
  /** Photos of a job at the same time; they share the line. */
  atOnce: atLeastOne.default(3),
  /** How often the producer tells where each of them is. */
  progressEvery: duration.pipe(z.number().min(LEAST_MS, `must be ${LEAST_MS}ms at least`)).prefault("250ms"),
  /** From the last byte to its ending. */
  processing: duration.prefault("150ms"),
});

/** Chances of an attempt of a photo unless said otherwise; what is 0 never happens. */
const troubleSchema = z.strictObject({
  fails: chance.default(0),
  /** Attempts of a photo that fails, the first included. */
  attempts: z.number().int().min(1).max(10).default(3),
  retryAfter: varying(duration).prefault("800ms"),
  /** How many retries go on from where the last attempt was; the others begin at 0. */
  resumes: chance.default(0.5),
  /** The user takes the photo back. */
  cancels: chance.default(0),
  /** The process that took the photo dies, and nobody ever tells what became of it. */
  dies: chance.default(0),
  /** More bytes come than were told. */
  overruns: chance.default(0),
  /** Of a job: somebody presses pause, and later goes on. */
  pauses: chance.default(0),
  pausedFor: varying(duration).prefault("5s"),
  /** Of a job: the laptop is closed, and opened again. */
  sleeps: chance.default(0),
  asleepFor: varying(duration).prefault("30s"),
  /** Of a job: the user goes away in the middle for good. */
  leaves: chance.default(0),
  /** Of a job: it is cancelled in the middle. */
  cancelsJob: chance.default(0),
});

/** What becomes of events on their way to the hub. */
const deliverySchema = z.strictObject({
  /** Chance of an event to be sent again, now or later. */
  duplicates: chance.default(0),
  /** Events that come late, so that others overtake them: how many, and by how much at most. */
  late: z.array(z.strictObject({ chance, upTo: duration })).default([]),
  /** Processes that send; an event goes through any of them. */
  publishers: z.number().int().min(1).max(16).default(1),
});

const profileSchema = z.strictObject({
  about: z.string(),
  users: atLeastOne,
  /** Each begins at some time within it. */
  arriveWithin: duration.prefault("0"),
  /** What users are on, by weight. */
  networks: z
    .partialRecord(z.enum(NETWORKS), weight)
    .refine((some) => Object.keys(some).length > 0, "names none"),
  jobs: jobsSchema,
  photos: photosSchema,
  upload: uploadSchema.prefault({}),
  trouble: troubleSchema.prefault({}),
  delivery: deliverySchema.prefault({}),
  /** Absent: events come when what they tell happens. Present: each user has exactly so many a second. */
  eventsPerSecond: z.number().positive().max(100_000).optional(),
});

export type Profile = z.output<typeof profileSchema>;
export type Varying = Profile["photos"]["count"];
export type Trouble = Profile["trouble"];

/** What is wrong with a profile, a line each. */
export class ProfileError extends Error {
  override readonly name = "ProfileError";
}

/** Throws a `ProfileError` that names every problem by its place. */
export function parseProfile(json: string): Profile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw new ProfileError(`is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const result = profileSchema.safeParse(parsed);
  if (!result.success) throw new ProfileError(result.error.issues.flatMap(problemsOf).join("\n"));
  const contradictions = contradictionsIn(result.data);
  if (contradictions.length > 0) throw new ProfileError(contradictions.join("\n"));
  return result.data;
}

function unitOf(
  text: string,
  parse: (text: string) => number | null,
  wanted: string,
  context: z.RefinementCtx,
): number {
  const value = parse(text);
  if (value !== null) return value;
  context.addIssue({ code: "custom", message: `must be ${wanted}, not ${JSON.stringify(text)}` });
  return z.NEVER;
}

/** What each key by itself may be, and not all of them together. */
function contradictionsIn({ photos, jobs, trouble }: Profile): readonly string[] {
  const { fails, cancels, dies } = trouble;
  const varying = Object.entries({
    "photos.count": photos.count,
    "jobs.apart": jobs.apart,
    "trouble.retryAfter": trouble.retryAfter,
    "trouble.pausedFor": trouble.pausedFor,
    "trouble.asleepFor": trouble.asleepFor,
    ...Object.fromEntries(photos.sizes.map((kind, index) => [`photos.sizes.${index}`, kind])),
  });
  return [
    ...varying
      .filter(([, { min = 0, max = Number.POSITIVE_INFINITY }]) => min > max)
      .map(([place]) => `${place}: min is more than max`),
    ...(fails + cancels + dies > 1 ? ["trouble: fails, cancels and dies are more than 1 together"] : []),
  ];
}

/** All names of a profile: who mistypes one is told the nearest. */
const NAMES: ReadonlySet<string> = new Set([
  ...[jobsSchema, photosSchema, uploadSchema, troubleSchema, deliverySchema, profileSchema].flatMap(
    ({ shape }) => Object.keys(shape),
  ),
  ...["median", "spread", "min", "max", "weight", "chance", "upTo"],
]);

function problemsOf(issue: z.core.$ZodIssue): string[] {
  const place = placeOf(issue.path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const near = nearest(key, NAMES);
      return `${placeOf([...issue.path, key])} is unknown${near === null ? "" : `; did you mean ${near}?`}`;
    });
  }
  // Of what may be a number or an object, the complaints of the one that was meant.
  if (issue.code === "invalid_union") {
    const meant = issue.errors.find((errors) =>
      errors.some(({ path, code }) => path.length > 0 || code === "custom"),
    );
    const issues = meant ?? issue.errors[0] ?? [];
    return issues.flatMap((one) => problemsOf({ ...one, path: [...issue.path, ...one.path] }));
  }
  return [`${place}: ${issue.message}`];
}

function placeOf(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "the profile" : path.map(String).join(".");
}
