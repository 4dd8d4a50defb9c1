import type { ClientRecord, Shown } from "./client-record.ts";
import type { Heard, JobTruth, PhotoTruth, Truth } from "./truth.ts";

/** What happened that makes more than one end right: the hub may have ended things itself, and events come late. */
export interface Story {
  /** Photos (`jobId/photoId`) that anybody was shown as ended by the hub itself. */
  readonly endedByHub: ReadonlySet<string>;
  /** Of jobs, when the hub made their end, in Unix milliseconds by its clock. */
  readonly jobEndedAtMs: ReadonlyMap<string, number>;
  /** After so long without events the hub ends an upload; null: nobody knows. */
  readonly expireMs: number | null;
}

/** The hub's clock may be another machine's. */
const CLOCKS_APART_MS = 250;
/** How long a busy hub may take to answer an event, or to see that a time is over. */
const BUSY_MS = 3_000;

/**
 * What is wrong with a time-out that the hub made of a photo then, in Unix milliseconds, where it does so after `expireMs`
 * of silence; null: nothing.
 */
export function prematureIn(heard: Heard | null, madeAtMs: number, expireMs: number): string | null {
  // What was on its way at that time was not heard of before it.
  if (heard === null || heard.newsAtMs > madeAtMs) return null;
  const silentMs = madeAtMs - heard.newsAtMs;
  if (silentMs >= expireMs - BUSY_MS) return null;
  return `timed out ${silentMs} ms after it was heard of, and not after ${expireMs} ms`;
}

/** What a client shows in the end and should not, a sentence each. */
export function untrueIn(client: ClientRecord, truth: Truth, story: Story): readonly string[] {
  const untrue: string[] = [];
  for (const [key, { jobId, photoId }] of client.view) {
    if (photoId !== undefined && !truth.wasSent(jobId, photoId)) {
      untrue.push(
        sentence(client, key, "nothing, since nobody ever told of it", photoText(client.view.get(key))),
      );
    }
  }
  for (const job of truth.jobs()) {
    if (job.userId !== client.userId || !client.isOf(job.jobId)) continue;
    const { jobId } = job;
    for (const [photoId, photo] of job.photos) {
      const key = `${jobId}/${photoId}`;
      const heard = truth.heardOf(jobId, photoId);
      const expected = expectedOf(photo, job, {
        byHub: story.endedByHub.has(key),
        isForgotten: heard !== null && isForgotten(heard, story.expireMs),
      });
      const shown = client.view.get(key);
      if (shown === undefined || !expected.isMetBy(shown)) {
        untrue.push(sentence(client, `job ${jobId}, photo ${photoId}`, expected.text, photoText(shown)));
      }
    }
    const expected = expectedOfJob(job, story);
    const shown = client.view.get(jobId);
    if (shown === undefined || !expected.isMetBy(shown)) {
      untrue.push(sentence(client, `job ${jobId}`, expected.text, jobText(shown)));
    }
  }
  return untrue;
}

/** Where two who should see the same do not, a sentence each; `other` is one who came only now. */
export function differencesOf(client: ClientRecord, other: ClientRecord): readonly string[] {
  const differences: string[] = [];
  for (const [key, fresh] of other.view) {
    const shown = client.view.get(key);
    const text = fresh.photoId === undefined ? jobText : photoText;
    if (text(shown) !== text(fresh)) {
      differences.push(sentence(client, key, `${text(fresh)}, as ${other.name} is told now`, text(shown)));
    }
  }
  return differences;
}

interface Expected {
  readonly text: string;
  isMetBy(shown: Shown): boolean;
}

/** Long enough that the hub has ended what is open. */
function isForgotten({ lastAtMs }: Heard, expireMs: number | null): boolean {
  return expireMs !== null && Date.now() - lastAtMs > expireMs + BUSY_MS;
}

function expectedOf(
  photo: PhotoTruth,
  job: JobTruth,
  { byHub, isForgotten }: { readonly byHub: boolean; readonly isForgotten: boolean },
): Expected {
  const { attempt, rank, bytes, totalBytes } = photo;
  const told = Math.min(bytes, totalBytes ?? bytes);
  if (rank === "COMPLETED") {
    return {
      text: `COMPLETED, ${totalBytes ?? bytes} bytes`,
      isMetBy: ({ status, bytesTransferred }) =>
        status === "COMPLETED" && bytesTransferred === (totalBytes ?? bytes),
    };
  }
  // Late bytes of a photo that the hub has given up begin another attempt; which comes first is a matter of milliseconds.
  if (byHub) {
    return {
      text: `no COMPLETED, attempt ${attempt} or later`,
      isMetBy: (shown) => shown.status !== "COMPLETED" && (shown.attempt ?? 1) >= attempt,
    };
  }
  if (job.isCancelled) {
    const either = rank === "FAILED" ? ["FAILED", "CANCELLED"] : ["CANCELLED"];
    return { text: either.join(" or "), isMetBy: ({ status }) => either.includes(status) };
  }
  if (rank === "UPLOADING" && isForgotten) {
    return {
      text: `FAILED, attempt ${attempt}, since nobody tells of it`,
      isMetBy: ({ status }) => status === "FAILED",
    };
  }
  if (rank === "UPLOADING") {
    return {
      text: `UPLOADING or PROCESSING, attempt ${attempt}, ${told} bytes`,
      isMetBy: (shown) =>
        shown.attempt === attempt &&
        shown.bytesTransferred === told &&
        (shown.status === "UPLOADING" || shown.status === "PROCESSING"),
    };
  }
  // Bytes that are heard of after its ending change nothing that is shown: no ending is shown twice.
  return {
    text: `${rank}, attempt ${attempt}, at most ${told} bytes`,
    isMetBy: (shown) =>
      shown.attempt === attempt && (shown.bytesTransferred ?? 0) <= told && shown.status === rank,
  };
}

function expectedOfJob(job: JobTruth, { endedByHub, jobEndedAtMs }: Story): Expected {
  const photos = [...job.photos];
  const isByHub = (photoId: string) => endedByHub.has(`${job.jobId}/${photoId}`);
  const isOpen = photos.some(([photoId, { rank }]) => rank === "UPLOADING" && !isByHub(photoId));
  const hasFailed = photos.some(([photoId, { rank }]) => rank === "FAILED" || isByHub(photoId));
  const isWhole = job.photoCount !== null && photos.length >= job.photoCount;
  // With a photo that failed it may still be waited for a retry, where nobody said that none comes.
  const mustEnd = job.isCancelled || (!isOpen && isWhole && (job.isClosed || !hasFailed));
  const endedAtMs = jobEndedAtMs.get(job.jobId);
  if (endedAtMs === undefined && !mustEnd) {
    return { text: "UPLOADING", isMetBy: ({ type }) => type === "job_progress" };
  }
  const counts = countsOf(photos.map(([, photo]) => photo));
  // Photos that were announced and never came have failed.
  const missing = Math.max(0, (job.photoCount ?? 0) - photos.length);
  const status = job.isCancelled ? "CANCELLED" : statusOf({ ...counts, failed: counts.failed + missing });
  // Once it has ended it stays as it is: what comes later, or is overtaken by its end, is told of its photos alone.
  const isHubs = photos.some(([photoId]) => isByHub(photoId));
  const mayBeOther = isHubs || (endedAtMs !== undefined && job.newestAtMs >= endedAtMs - CLOCKS_APART_MS);
  return {
    text: mayBeOther ? `ended as ${status}, or as its counts bear out` : `ended as ${status}`,
    isMetBy: ({ type, status: told, photos: toldCounts }) =>
      type === "job_completed" &&
      (mayBeOther || (told === status && (job.isCancelled || isSame(counts, toldCounts)))),
  };
}

type Counts = Readonly<Record<"completed" | "failed" | "cancelled", number>>;

function countsOf(photos: readonly PhotoTruth[]): Counts {
  const count = (rank: PhotoTruth["rank"]): number => photos.filter((photo) => photo.rank === rank).length;
  return { completed: count("COMPLETED"), failed: count("FAILED"), cancelled: count("CANCELLED") };
}

/** Rule 15. */
function statusOf({ completed, failed, cancelled }: Counts): string {
  if (failed === 0) return cancelled > 0 && completed === 0 ? "CANCELLED" : "COMPLETED";
  return completed === 0 ? "FAILED" : "PARTIAL";
}

function isSame(counts: Counts, told: Shown["photos"]): boolean {
  const { completed, failed, cancelled } = counts;
  return (
    told !== undefined &&
    told.completed === completed &&
    told.failed === failed &&
    told.cancelled === cancelled
  );
}

function sentence({ name, userId }: ClientRecord, what: string, expected: string, shown: string): string {
  return `${name} of user ${userId}, ${what}: expected ${expected}; shows ${shown}`;
}

function photoText(shown: Shown | undefined): string {
  if (shown === undefined) return "nothing";
  const { status, attempt, bytesTransferred, progress, error } = shown;
  const why = error === undefined ? "" : ` (${error.code})`;
  return `${status}${why}, attempt ${attempt ?? "?"}, ${bytesTransferred ?? "?"} bytes, ${progress ?? "?"} %`;
}

function jobText(shown: Shown | undefined): string {
  if (shown === undefined) return "nothing";
  const { type, status, photos, progress } = shown;
  const counts =
    photos === undefined
      ? "no counts"
      : `${photos.completed} of ${photos.total} completed, ${photos.failed} failed, ${photos.cancelled} cancelled`;
  return `${type} ${status}, ${progress ?? "?"} %, ${counts}`;
}
