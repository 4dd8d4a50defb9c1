import type { SentEvent } from "../../simulator/oracle/oracle.ts";
import type { Random } from "../../simulator/random.ts";
import { userOf } from "./population.ts";
import { randomOf } from "./seed.ts";

const MAX_PHOTOS = 5;
const STEPS = 3;
const MAX_BYTES = 8_000_000;

/** Without end, one event of each user in turn; each user has one job after the other, and each job comes to its end. */
export function* endlessJobs(users: number, prefix: string): Generator<SentEvent, never> {
  const lanes = Array.from({ length: users }, (_, index) => userJobs(index, `${prefix}-${index}`));
  for (;;) for (const lane of lanes) yield lane.next().value;
}

/** Jobs of different sizes, so that not all users come to their endings at the same time. */
function* userJobs(user: number, prefix: string): Generator<SentEvent, never> {
  const random = randomOf(prefix);
  for (let index = 0; ; index += 1) {
    const totalBytes = random.integer(STEPS + 1, MAX_BYTES);
    yield* job({ userId: userOf(user), jobId: `${prefix}-${index}`, totalBytes }, index, random);
  }
}

type Ids = Pick<SentEvent["data"], "jobId" | "userId"> & { readonly totalBytes: number };
type At = (type: string, more: Partial<SentEvent["data"]>) => SentEvent;

/** Of five jobs one has a photo that fails and is tried again, one a photo that is cancelled, and one a failure for good. */
function* job({ userId, jobId, totalBytes }: Ids, index: number, random: Random): Generator<SentEvent, void> {
  const photoCount = random.integer(1, MAX_PHOTOS);
  let count = 0;
  const at: At = (type, more) => {
    count += 1;
    return { id: `${jobId}/${count}`, type, data: { jobId, userId, ...more } };
  };
  const kind = index % 5;
  yield at("uploadjob.created", { photoCount });
  const photos = Array.from({ length: photoCount }, (_, photo) => `p${photo}`);
  yield* attempt(at, photos, { attempt: 1, totalBytes }, (photo) => {
    if (photo !== "p0") return "completed";
    return kind === 1 || kind === 3 ? "failed" : kind === 2 ? "cancelled" : "completed";
  });
  if (kind === 1) yield* attempt(at, ["p0"], { attempt: 2, totalBytes }, () => "completed");
  yield at("uploadjob.completed", { photoCount });
}

function* attempt(
  at: At,
  photos: readonly string[],
  sized: { readonly attempt: number; readonly totalBytes: number },
  endingOf: (photo: string) => string,
): Generator<SentEvent, void> {
  for (const photoId of photos) yield at("photo.upload.started", { photoId, ...sized });
  for (let step = 1; step <= STEPS; step += 1) {
    const bytesTransferred = Math.floor((sized.totalBytes * step) / (STEPS + 1));
    for (const photoId of photos)
      yield at("photo.upload.progressed", { photoId, ...sized, bytesTransferred });
  }
  for (const photoId of photos) {
    const ending = endingOf(photoId);
    const error = { code: "connection_lost", message: "the connection was reset" };
    yield at(`photo.upload.${ending}`, {
      photoId,
      attempt: sized.attempt,
      ...(ending === "failed" && { error }),
    });
  }
}
