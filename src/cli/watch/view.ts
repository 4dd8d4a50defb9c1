import type { Job, Photo, ProgressStore } from "../../client/index.ts";

export interface PhotoView {
  readonly photo: Photo;
  /** It has ended a moment ago, and was seen under way before. */
  readonly isFresh: boolean;
}

export interface JobView {
  readonly jobId: string;
  /** null: only photos of it were heard of so far. */
  readonly job: Job | null;
  /** Asked for where they are drawn only: ended jobs may have many. */
  photos(): readonly PhotoView[];
}

/** How long a photo stays after its ending, so that the eye sees it reach the end. */
const LINGER_MS = 1_000;

/** A store as somebody sees it who looks again and again: what has ended since the last look is fresh. */
export class Onlooker {
  readonly #store: ProgressStore;
  /** Of the last look. */
  #running = new Set<string>();
  #endedAtMs = new Map<string, number>();

  constructor(store: ProgressStore) {
    this.#store = store;
  }

  /** In the order in which they were first heard of. */
  look(nowMs: number): readonly JobView[] {
    const before = { running: this.#running, endedAtMs: this.#endedAtMs };
    this.#running = new Set();
    this.#endedAtMs = new Map();
    const viewOf = (photo: Photo): PhotoView => {
      const key = `${photo.jobId} ${photo.photoId}`;
      if (!photo.hasEnded) {
        this.#running.add(key);
        return { photo, isFresh: false };
      }
      const endedAtMs = before.running.has(key) ? nowMs : before.endedAtMs.get(key);
      const isFresh = endedAtMs !== undefined && nowMs - endedAtMs < LINGER_MS;
      if (isFresh) this.#endedAtMs.set(key, endedAtMs);
      return { photo, isFresh };
    };
    return this.#store.jobIds().map((jobId) => ({
      jobId,
      job: this.#store.job(jobId),
      photos: () =>
        this.#store.photoIds(jobId).flatMap((photoId) => {
          const photo = this.#store.photo(jobId, photoId);
          return photo === null ? [] : [viewOf(photo)];
        }),
    }));
  }
}
