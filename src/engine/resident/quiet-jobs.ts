import { isQuiet } from "../../domain/job.ts";
import type { KeptJob } from "../records.ts";

/** Photos at most. */
const MAX_PHOTOS = 16_384;
/** A job counts as so many more, so that empty ones find an end too. */
const PHOTOS_A_JOB = 4;

/**
 * Quiet jobs whose photos are kept in memory, for whoever comes after their end: late events, and the next reader. As many
 * as have so many photos together: a job has one, or ten thousand.
 */
export class QuietJobs<Kept extends Pick<KeptJob, "job">> {
  /** As how many photos each counts; the one that was touched longest ago first. */
  readonly #photos = new Map<Kept, number>();
  #sum = 0;

  /** Somebody asked for it; gives those whose photos are to be forgotten for it. Nothing is noted of one that is not quiet. */
  touch(kept: Kept): readonly Kept[] {
    this.leave(kept);
    if (!isQuiet(kept.job)) return [];
    const photos = PHOTOS_A_JOB + kept.job.photos.size;
    this.#photos.set(kept, photos);
    this.#sum += photos;
    const forgotten: Kept[] = [];
    for (const oldest of this.#photos.keys()) {
      // However large it is: who asked for it may ask for more.
      if (this.#sum <= MAX_PHOTOS || oldest === kept) break;
      this.leave(oldest);
      forgotten.push(oldest);
    }
    return forgotten;
  }

  /** It has no photos here any more, or something to do. */
  leave(kept: Kept): void {
    const photos = this.#photos.get(kept);
    if (photos === undefined) return;
    this.#photos.delete(kept);
    this.#sum -= photos;
  }
}
