import type { Sent } from "./delivery.ts";
import type { EventType } from "./event.ts";

/** A job of which something was sent and that has not been told to be over. */
export interface JobInFlight {
  readonly jobId: string;
  readonly userId: string;
  readonly title: string;
  /** null: it was not said. */
  readonly photoCount: number | null;
  readonly ended: number;
  /** Bytes of its photos by now, and of all of them; null: not all are known. */
  readonly bytes: number;
  readonly totalBytes: number | null;
}

interface Job extends JobInFlight {
  photoCount: number | null;
  totalBytes: number | null;
  ended: number;
  bytes: number;
  readonly photos: Map<string, number>;
}

const ENDINGS = ["completed", "failed", "cancelled"] as const;
type EndingKind = (typeof ENDINGS)[number];

const KINDS: ReadonlyMap<EventType, EndingKind> = new Map(
  ENDINGS.map((kind) => [`photo.upload.${kind}`, kind]),
);
/** Who shows a few bars needs no more; what a user left in the middle goes with time. */
const MAX_JOBS = 64;

/** What has been sent, as one would like to look at it: passes events on as they come. */
export class Scene {
  readonly #source: { next(): Sent | null };
  readonly #jobs = new Map<string, Job>();
  /** Endings of attempts. */
  readonly endings: Record<EndingKind, number> = { completed: 0, failed: 0, cancelled: 0 };

  constructor(source: { next(): Sent | null }) {
    this.#source = source;
  }

  next(): Sent | null {
    const sent = this.#source.next();
    if (sent !== null) this.#see(sent);
    return sent;
  }

  /** Those that began first, so that they stay where they are. */
  jobs(most: number): readonly JobInFlight[] {
    return [...this.#jobs.values()].slice(0, most);
  }

  #see({ event: { type, data } }: Sent): void {
    const kind = KINDS.get(type);
    if (kind !== undefined) this.endings[kind] += 1;
    const { jobId } = data;
    if (type === "uploadjob.completed" || type === "uploadjob.cancelled") {
      this.#jobs.delete(jobId);
      return;
    }
    if (type === "uploadjob.created") {
      this.#begin(jobId, data.userId, data.title ?? jobId, data.photoCount ?? null, data.totalBytes ?? null);
      return;
    }
    const job = this.#jobs.get(jobId);
    if (job === undefined || data.photoId === undefined) return;
    const bytes =
      kind === "completed" ? (data.totalBytes ?? 0) : kind === undefined ? (data.bytesTransferred ?? 0) : 0;
    job.bytes += bytes - (job.photos.get(data.photoId) ?? 0);
    job.photos.set(data.photoId, bytes);
    if (kind === "completed" || kind === "cancelled") job.ended += 1;
    if (job.ended === job.photoCount) this.#jobs.delete(jobId);
  }

  #begin(
    jobId: string,
    userId: string,
    title: string,
    photoCount: number | null,
    totalBytes: number | null,
  ): void {
    if (this.#jobs.has(jobId)) return;
    this.#jobs.set(jobId, {
      ...{ jobId, userId, title, photoCount, totalBytes },
      ...{ ended: 0, bytes: 0, photos: new Map() },
    });
    for (const oldest of this.#jobs.keys()) {
      if (this.#jobs.size <= MAX_JOBS) return;
      this.#jobs.delete(oldest);
    }
  }
}
