import { isPhoto, type UploadData, type UploadEvent } from "./events.ts";
import { type Message, photoKindOf, photoMessage } from "./messages.ts";
import { PlainJob } from "./plain-job.ts";

interface UserMessages {
  readonly userId: string;
  readonly messages: readonly Message[];
}

const CREATED = "uploadjob.created";
const JOB_TYPES: ReadonlySet<string> = new Set([CREATED, "uploadjob.completed", "uploadjob.cancelled"]);

/**
 * What an app keeps to tell a job's progress: no conflation, no store. A job is forgotten when it ends; one that never
 * does stays, since nothing here expires.
 */
export class PlainJobs {
  readonly #jobs = new Map<string, PlainJob>();
  #made = 0;

  /** The messages an event gives; null: it changes nothing, or nobody knows whose it is. */
  apply(event: UploadEvent): UserMessages | null {
    return JOB_TYPES.has(event.type) ? this.#applyToJob(event) : this.#applyToPhoto(event);
  }

  #applyToPhoto({ type, data }: UploadEvent): UserMessages | null {
    const kind = photoKindOf(type);
    if (kind === undefined || !isPhoto(data)) return null;
    const job = this.#jobs.get(data.jobId) ?? this.#begin(data);
    const photo = job?.applyToPhoto(kind, data) ?? null;
    if (job === null || photo === null) return null;
    const message = photoMessage(kind, data, photo, this.#nextId(), new Date().toISOString());
    return { userId: job.userId, messages: [message, this.#jobMessage(job, data.jobId)] };
  }

  #applyToJob({ type, data }: UploadEvent): UserMessages | null {
    // The end of a job that is not there is that of one that has ended by its count.
    const job = this.#jobs.get(data.jobId) ?? (type === CREATED ? this.#begin(data) : null);
    if (job === null) return null;
    job.apply(type, data);
    return { userId: job.userId, messages: [this.#jobMessage(job, data.jobId)] };
  }

  #begin({ jobId, userId }: UploadData): PlainJob | null {
    if (userId === undefined) return null;
    const job = new PlainJob(userId);
    this.#jobs.set(jobId, job);
    return job;
  }

  #jobMessage(job: PlainJob, jobId: string): Message {
    const message = job.message(jobId, this.#nextId());
    if (message.type === "job_completed") this.#jobs.delete(jobId);
    return message;
  }

  #nextId(): string {
    this.#made += 1;
    return `plain-${this.#made}`;
  }
}
