import { isOlder } from "../../client/messages.ts";
import {
  type HubMessage,
  isJobMessage,
  isPhotoMessage,
  type JobMessage,
  type PhotoMessage,
} from "./message.ts";

export interface PhotoView {
  readonly last: PhotoMessage;
  /** null: nobody has told. */
  readonly fileName: string | null;
  /** When its ending was seen live; null: not settled, or it had settled before this view began. */
  readonly settledAtMs: number | null;
}

export interface JobView {
  readonly jobId: string;
  /** null: only photos of it were heard of so far. */
  readonly last: JobMessage | null;
  readonly ended: boolean;
  readonly photos: ReadonlyMap<string, PhotoView>;
}

interface MutableJob extends JobView {
  last: JobMessage | null;
  ended: boolean;
  readonly photos: Map<string, PhotoView>;
}

/** The oldest ended jobs above this number are forgotten, so that a view that runs for days stays small. */
const MAX_ENDED_JOBS = 50;

const SETTLED: ReadonlySet<string> = new Set(["COMPLETED", "FAILED", "CANCELLED"]);

export function isSettled(photo: PhotoView): boolean {
  return SETTLED.has(photo.last.status);
}

/**
 * What a client shows: the last message of each photo and job. An older message of the same epoch never replaces a
 * newer one, and after a snapshot every job that was not in it is forgotten (contract.md, "Messages out").
 */
export class ProgressView {
  readonly #jobs = new Map<string, MutableJob>();
  #heard = new Set<string>();

  /** Oldest first. */
  get jobs(): readonly JobView[] {
    return [...this.#jobs.values()];
  }

  job(jobId: string): JobView | null {
    return this.#jobs.get(jobId) ?? null;
  }

  /** A connection was opened: what comes until `synced` is its first batch. */
  opened(): void {
    this.#heard = new Set();
  }

  /** Takes a message; false: it is older than what is shown, or nothing to show. */
  apply(message: HubMessage, nowMs: number): boolean {
    if (message.type === "synced") {
      if (message.mode === "snapshot") this.#forgetUnheard();
      this.#heard = new Set();
      return true;
    }
    if (!isPhotoMessage(message) && !isJobMessage(message)) return false;
    this.#heard.add(message.jobId);
    if (isPhotoMessage(message)) this.#heard.add(photoKey(message.jobId, message.photoId));
    const job = this.#jobOf(message.jobId);
    if (isPhotoMessage(message)) return applyPhoto(job, message, nowMs);
    const wasEnded = job.ended;
    const applied = applyJob(job, message);
    if (job.ended && !wasEnded) this.#forgetOldest();
    return applied;
  }

  #forgetUnheard(): void {
    for (const [jobId, job] of this.#jobs) {
      if (!this.#heard.has(jobId)) this.#jobs.delete(jobId);
      // All photos of a job under way are in a snapshot; of one that has ended they need not be.
      if (job.ended) continue;
      for (const photoId of job.photos.keys()) {
        if (!this.#heard.has(photoKey(jobId, photoId))) job.photos.delete(photoId);
      }
    }
  }

  #forgetOldest(): void {
    const ended = this.jobs.filter((job) => job.ended);
    for (const { jobId } of ended.slice(0, -MAX_ENDED_JOBS)) this.#jobs.delete(jobId);
  }

  #jobOf(jobId: string): MutableJob {
    const known = this.#jobs.get(jobId);
    if (known !== undefined) return known;
    const job: MutableJob = { jobId, last: null, ended: false, photos: new Map() };
    this.#jobs.set(jobId, job);
    return job;
  }
}

/** Neither id has a blank. */
function photoKey(jobId: string, photoId: string): string {
  return `${jobId} ${photoId}`;
}

function applyPhoto(job: MutableJob, message: PhotoMessage, nowMs: number): boolean {
  const before = job.photos.get(message.photoId);
  if (before !== undefined && isOlder(message.id, before.last.id)) return false;
  const wasActive = before !== undefined && !isSettled(before);
  const settled = SETTLED.has(message.status);
  job.photos.set(message.photoId, {
    last: message,
    fileName: message.fileName ?? before?.fileName ?? null,
    settledAtMs: settled ? (wasActive ? nowMs : (before?.settledAtMs ?? null)) : null,
  });
  return true;
}

function applyJob(job: MutableJob, message: JobMessage): boolean {
  if (job.last !== null && isOlder(message.id, job.last.id)) return false;
  job.last = message;
  job.ended = message.type === "job_completed";
  return true;
}
