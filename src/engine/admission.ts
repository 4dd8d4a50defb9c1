import { type DomainEvent, isPhotoEvent } from "../domain/events.ts";
import type { Job } from "../domain/job.ts";
import type { ErrorCode } from "../errors.ts";
import type { MemoryStore } from "./memory-store.ts";

export interface Limits {
  readonly maxPhotosPerJob: number;
  readonly maxJobsPerUser: number;
  readonly maxOpenPhotos: number;
}

export interface Admitted {
  readonly userId: string;
  /** null: this event is the first of its job. */
  readonly job: Job | null;
  /** An ended job that has to go, to make room; null: there is room. */
  readonly evicted: Job | null;
}

export interface Refused {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Whose job an event belongs to, and whether there is room for it. */
export class Admission {
  readonly #store: MemoryStore;
  readonly #limits: Limits;

  constructor(store: MemoryStore, limits: Limits) {
    this.#store = store;
    this.#limits = limits;
  }

  /** The first trusted owner that a batch names for each job id: events may overtake the one that names it. */
  ownersIn(events: readonly DomainEvent[]): ReadonlyMap<string, string> {
    const owners = new Map<string, string>();
    for (const { jobId, userId, scope } of events) {
      if (scope === "bound" && userId !== null && !owners.has(jobId)) owners.set(jobId, userId);
    }
    return owners;
  }

  /** `openPhotos`: how many there are in the whole hub. Binds the job id to the owner that a trusted event names. */
  admit(event: DomainEvent, owners: ReadonlyMap<string, string>, openPhotos: number): Admitted | Refused {
    const userId = this.#ownerOf(event, owners);
    if (typeof userId !== "string") return userId;
    const job = this.#store.job(userId, event.jobId);
    const isNewPhoto = isPhotoEvent(event) && !job?.photos.has(event.photoId);
    if (isNewPhoto && (job?.photos.size ?? 0) >= this.#limits.maxPhotosPerJob) {
      return refuse("too_many_photos", `a job holds at most ${this.#limits.maxPhotosPerJob} photos`);
    }
    if (isNewPhoto && openPhotos >= this.#limits.maxOpenPhotos) {
      return refuse("overloaded", `the hub holds at most ${this.#limits.maxOpenPhotos} open photos`);
    }
    const evicted = job === null ? this.#roomFor(userId) : null;
    if (evicted !== null && "code" in evicted) return evicted;
    if (event.scope === "bound") this.#store.bindOwner(event.jobId, userId);
    return { userId, job, evicted };
  }

  #ownerOf(event: DomainEvent, owners: ReadonlyMap<string, string>): string | Refused {
    const { jobId, userId, scope } = event;
    if (scope === "user") return userId ?? refuse("owner_unknown", "an event of scope user names its userId");
    const owner = this.#store.ownerOf(jobId) ?? owners.get(jobId) ?? null;
    if (owner === null) return refuse("owner_unknown", `nobody has said whose job ${jobId} is`);
    if (userId !== null && userId !== owner)
      return refuse("owner_mismatch", `job ${jobId} is another user's`);
    return owner;
  }

  /** null: there is room; a job: it has to go first. */
  #roomFor(userId: string): Job | Refused | null {
    const jobs = this.#store.user(userId)?.jobs;
    if (jobs === undefined || jobs.size < this.#limits.maxJobsPerUser) return null;
    for (const job of jobs.values()) {
      if (job.ended !== null) return job;
    }
    return refuse(
      "too_many_jobs",
      `a user holds at most ${this.#limits.maxJobsPerUser} jobs that have not ended`,
    );
  }
}

function refuse(code: ErrorCode, message: string): Refused {
  return { code, message };
}
