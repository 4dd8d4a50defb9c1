import type { Job, Photos } from "./job.ts";
import type { Photo } from "./photo-view.ts";

/**
 * Changes of a job that are not committed: a job to all who change it, while the one below, which readers see, stays as
 * it is. Thrown away when the commit fails, absorbed when it succeeds.
 */
export interface Draft extends Job {
  readonly photos: DraftPhotos;
}

/** Gives copies of what is asked for, and leaves the photos below alone. */
class DraftPhotos implements Photos {
  readonly #below: Photos;
  readonly #own = new Map<string, Photo>();
  #added = 0;

  constructor(below: Photos) {
    this.#below = below;
  }

  get size(): number {
    return this.#below.size + this.#added;
  }

  /** The photos that were asked for or added, in that order. */
  get own(): Iterable<Photo> {
    return this.#own.values();
  }

  has(photoId: string): boolean {
    return this.#own.has(photoId) || this.#below.has(photoId);
  }

  get(photoId: string): Photo | undefined {
    const own = this.#own.get(photoId);
    if (own !== undefined) return own;
    const below = this.#below.get(photoId);
    if (below === undefined) return undefined;
    const copy = { ...below };
    this.#own.set(photoId, copy);
    return copy;
  }

  set(photoId: string, photo: Photo): void {
    if (!this.has(photoId)) this.#added += 1;
    this.#own.set(photoId, photo);
  }

  *values(): Generator<Photo> {
    for (const photo of this.#below.values()) yield this.#own.get(photo.photoId) ?? photo;
    if (this.#added === 0) return;
    for (const photo of this.#own.values()) if (!this.#below.has(photo.photoId)) yield photo;
  }

  /** Own photos that differ from what is below in more than the times of their events. */
  *changed(): Generator<Photo> {
    for (const photo of this.#own.values()) {
      const below = this.#below.get(photo.photoId);
      const isSame =
        below !== undefined &&
        below.state === photo.state &&
        below.shown === photo.shown &&
        below.stalled === photo.stalled;
      if (!isSame) yield photo;
    }
  }
}

export function draftOf(job: Job): Draft {
  return {
    ...job,
    photos: new DraftPhotos(job.photos),
    tally: job.tally.copy(),
    rate: job.rate.copy(),
  };
}

/** True: the job itself, its photos aside, differs in more than the times of its events. */
export function isJobChanged(before: Job, after: Job): boolean {
  return (
    before.shown !== after.shown ||
    before.ended !== after.ended ||
    before.declared.photoCount !== after.declared.photoCount ||
    before.declared.totalBytes !== after.declared.totalBytes ||
    before.title !== after.title ||
    before.completedHeard !== after.completedHeard ||
    before.cancelledHeard !== after.cancelledHeard
  );
}

/**
 * Makes the draft's changes the job's own; the draft is not to be used again. What lives long is changed in place: the
 * collector then finds the drafts young and dead.
 */
export function absorb(job: Job, draft: Draft): void {
  job.tally.become(draft.tally);
  job.rate.become(draft.rate);
  job.declared = draft.declared;
  job.title = draft.title;
  job.completedHeard = draft.completedHeard;
  job.cancelledHeard = draft.cancelledHeard;
  job.lastEventAtMs = draft.lastEventAtMs;
  job.lastEndingAtMs = draft.lastEndingAtMs;
  job.shown = draft.shown;
  job.ended = draft.ended;
  for (const own of draft.photos.own) {
    const photo = job.photos.get(own.photoId);
    if (photo === undefined) job.photos.set(own.photoId, own);
    else absorbPhoto(photo, own);
  }
}

function absorbPhoto(photo: Photo, own: Photo): void {
  photo.state = own.state;
  photo.shown = own.shown;
  photo.stalled = own.stalled;
  photo.lastEventAtMs = own.lastEventAtMs;
  photo.lastBytesAtMs = own.lastBytesAtMs;
  photo.sampledAttempt = own.sampledAttempt;
}
