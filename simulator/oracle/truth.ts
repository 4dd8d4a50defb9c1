import type { CloudEvent } from "../event.ts";

// What acknowledged events come to, by the rules of progress and not by the hub's own code: a join, whatever their order.

/** The higher of two that are heard of one attempt stands. */
const RANKS = { UPLOADING: 1, CANCELLED: 2, FAILED: 3, COMPLETED: 4 } as const;
type Rank = keyof typeof RANKS;

export interface PhotoTruth {
  readonly attempt: number;
  readonly rank: Rank;
  /** Of that attempt. */
  readonly bytes: number;
  /** null: nobody said. */
  readonly totalBytes: number | null;
}

/** When events of a photo were acknowledged, in Unix milliseconds. */
export interface Heard {
  /** The last. */
  readonly lastAtMs: number;
  /** The last one that told anything new. */
  readonly newsAtMs: number;
}

export interface JobTruth {
  readonly userId: string;
  readonly jobId: string;
  readonly photoCount: number | null;
  /** It was said that no photo follows. */
  readonly isClosed: boolean;
  readonly isCancelled: boolean;
  readonly photos: ReadonlyMap<string, PhotoTruth>;
  /** When the last of its events was acknowledged, in Unix milliseconds. */
  readonly newestAtMs: number;
}

type Writable<Fields> = { -readonly [Name in keyof Fields]: Fields[Name] };
interface Job extends Writable<Omit<JobTruth, "photos">> {
  readonly photos: Map<string, PhotoTruth>;
}

/** All of an event that counts here. */
export type HeardEvent = Pick<CloudEvent, "id" | "data"> & { readonly type: string };

const RANK_OF: Readonly<Record<string, Rank>> = {
  "photo.upload.started": "UPLOADING",
  "photo.upload.progressed": "UPLOADING",
  "photo.upload.cancelled": "CANCELLED",
  "photo.upload.failed": "FAILED",
  "photo.upload.completed": "COMPLETED",
};

/** What the photo is after an event that ends an attempt; null: it ends none. */
export function endingOf(type: string): Exclude<Rank, "UPLOADING"> | null {
  const rank = RANK_OF[type];
  return rank === undefined || rank === "UPLOADING" ? null : rank;
}

export class Truth {
  readonly #jobs = new Map<string, Job>();
  /** Photos of which anything was sent, whether or not it was acknowledged: `jobId/photoId`. */
  readonly #sent = new Set<string>();
  /** By photo. */
  readonly #heard = new Map<string, Heard>();

  jobs(): Iterable<JobTruth> {
    return this.#jobs.values();
  }

  job(jobId: string): JobTruth | null {
    return this.#jobs.get(jobId) ?? null;
  }

  /** Ids of those that have a photo without an ending, and are not cancelled. */
  openJobs(): ReadonlySet<string> {
    const open = [...this.#jobs.values()].filter(
      ({ photos, isCancelled }) =>
        !isCancelled && [...photos.values()].some(({ rank }) => rank === "UPLOADING"),
    );
    return new Set(open.map(({ jobId }) => jobId));
  }

  sent({ data: { jobId, photoId } }: HeardEvent): void {
    if (photoId !== undefined) this.#sent.add(`${jobId}/${photoId}`);
  }

  wasSent(jobId: string, photoId: string): boolean {
    return this.#sent.has(`${jobId}/${photoId}`);
  }

  /** null: nothing of it was acknowledged. */
  heardOf(jobId: string, photoId: string): Heard | null {
    return this.#heard.get(`${jobId}/${photoId}`) ?? null;
  }

  acknowledged({ type, data }: HeardEvent): void {
    const job = this.#jobOf(data);
    job.newestAtMs = Date.now();
    if (data.photoCount !== undefined) job.photoCount = Math.max(job.photoCount ?? 0, data.photoCount);
    if (type === "uploadjob.completed") job.isClosed = true;
    if (type === "uploadjob.cancelled") job.isCancelled = true;
    const rank = RANK_OF[type];
    if (rank === undefined || data.photoId === undefined) return;
    const { attempt = 1, bytesTransferred = 0, totalBytes = null } = data;
    const heard = { attempt, rank, bytes: bytesTransferred, totalBytes };
    const before = job.photos.get(data.photoId);
    const after = before === undefined ? heard : joined(before, heard);
    job.photos.set(data.photoId, after);
    this.#note(`${job.jobId}/${data.photoId}`, before === undefined || !isSame(before, after));
  }

  #note(key: string, isNews: boolean): void {
    const lastAtMs = Date.now();
    this.#heard.set(key, {
      lastAtMs,
      newsAtMs: isNews ? lastAtMs : (this.#heard.get(key)?.newsAtMs ?? lastAtMs),
    });
  }

  #jobOf({ jobId, userId }: HeardEvent["data"]): Job {
    const known = this.#jobs.get(jobId);
    if (known !== undefined) return known;
    const flags = { photoCount: null, isClosed: false, isCancelled: false, newestAtMs: 0 };
    const job: Job = { jobId, userId, ...flags, photos: new Map() };
    this.#jobs.set(jobId, job);
    return job;
  }
}

/** Rule 1: `completed` of any attempt is the top; else the greatest attempt, and within it the highest rank, the most bytes. */
function joined(one: PhotoTruth, other: PhotoTruth): PhotoTruth {
  const totalBytes = most(one.totalBytes, other.totalBytes);
  const isTop = one.rank === "COMPLETED" || other.rank === "COMPLETED";
  if (!isTop && one.attempt !== other.attempt) {
    return { ...(one.attempt > other.attempt ? one : other), totalBytes };
  }
  return {
    attempt: Math.max(one.attempt, other.attempt),
    rank: RANKS[one.rank] >= RANKS[other.rank] ? one.rank : other.rank,
    bytes: Math.max(one.bytes, other.bytes),
    totalBytes,
  };
}

function isSame(one: PhotoTruth, other: PhotoTruth): boolean {
  const { attempt, rank, bytes, totalBytes } = other;
  return one.attempt === attempt && one.rank === rank && one.bytes === bytes && one.totalBytes === totalBytes;
}

function most(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}
