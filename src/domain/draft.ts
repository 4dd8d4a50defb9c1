import type { Job, JobShown, Photos } from "./job.ts";
import type { JobView } from "./job-view.ts";
import type { Photo, Stamp } from "./photo-view.ts";
import type { PhotoCounts } from "./tally.ts";

/**
 * Changes of a job that are not committed: a job to all who change it, while the one below, which readers see, stays as
 * it is. Thrown away when the commit fails, absorbed when it succeeds.
 */
export interface Draft extends Job {
  readonly photos: DraftPhotos;
}

/** A photo of the draft, and what it was made from: null, nothing. */
interface Own {
  readonly photo: Photo;
  readonly below: Photo | null;
}

/** Fewer are searched one by one. */
const TABLE_FROM = 16;

/** Gives copies of what is asked for, and leaves the photos below alone. */
class DraftPhotos implements Photos {
  readonly #below: Photos;
  /** Mostly one. */
  #own: Own[] = [];
  /** By id; null: there are few. */
  #byId: Map<string, Own> | null = null;
  #added = 0;

  constructor(below: Photos) {
    this.#below = below;
  }

  get size(): number {
    return this.#below.size + this.#added;
  }

  /** The photos that were asked for or added, in that order. */
  own(): readonly Photo[] {
    return this.#own.map(({ photo }) => photo);
  }

  has(photoId: string): boolean {
    return this.#ownOf(photoId) !== undefined || this.#below.has(photoId);
  }

  get(photoId: string): Photo | undefined {
    const own = this.#ownOf(photoId);
    if (own !== undefined) return own.photo;
    const below = this.#below.get(photoId);
    if (below === undefined) return undefined;
    const photo = { ...below };
    this.#add({ photo, below });
    return photo;
  }

  /** One that is not there yet. */
  set(photoId: string, photo: Photo): void {
    if (this.has(photoId)) throw new Error("the photo is there already");
    this.#added += 1;
    this.#add({ photo, below: null });
  }

  *values(): Generator<Photo> {
    for (const photo of this.#below.values()) yield this.#ownOf(photo.photoId)?.photo ?? photo;
    if (this.#added === 0) return;
    for (const { photo, below } of this.#own) if (below === null) yield photo;
  }

  /** Own photos that differ from what is below in more than the times of their events. */
  changed(): readonly Photo[] {
    return this.#own.every(isChanged) ? this.own() : this.#own.filter(isChanged).map(({ photo }) => photo);
  }

  #ownOf(photoId: string): Own | undefined {
    if (this.#byId !== null) return this.#byId.get(photoId);
    for (const own of this.#own) if (own.photo.photoId === photoId) return own;
    return undefined;
  }

  #add(own: Own): void {
    this.#byId?.set(own.photo.photoId, own);
    // An array that is made with one element has room for that one, and not for 17.
    if (this.#own.length === 0) this.#own = [own];
    else this.#own.push(own);
    if (this.#own.length === TABLE_FROM)
      this.#byId = new Map(this.#own.map((one) => [one.photo.photoId, one]));
  }
}

/** Against what the copy was made from: what is below may be made anew for each who asks. */
function isChanged({ photo, below }: Own): boolean {
  return (
    below === null ||
    below.state !== photo.state ||
    below.shown !== photo.shown ||
    below.stalled !== photo.stalled
  );
}

/** Field by field, in the order of `createJob`: a draft then has the hidden class of a job, which makes it cheap to V8. */
export function draftOf(job: Job): Draft {
  return {
    userId: job.userId,
    jobId: job.jobId,
    version: job.version,
    photos: new DraftPhotos(job.photos),
    tally: job.tally.copy(),
    rate: job.rate.copy(),
    declared: job.declared,
    title: job.title,
    completedHeard: job.completedHeard,
    cancelledHeard: job.cancelledHeard,
    lastEventAtMs: job.lastEventAtMs,
    lastEndingAtMs: job.lastEndingAtMs,
    shown: job.shown,
    ended: job.ended,
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
  takeOver(job, draft);
  for (const photo of draft.photos.own()) job.photos.set(photo.photoId, photo);
}

/** Gives the job what the other one is, but for its photos and what counts them. */
export function takeOver(job: Job, other: Job): void {
  job.rate.become(other.rate);
  job.declared = other.declared;
  job.title = other.title;
  job.completedHeard = other.completedHeard;
  job.cancelledHeard = other.cancelledHeard;
  job.lastEventAtMs = other.lastEventAtMs;
  job.lastEndingAtMs = other.lastEndingAtMs;
  if (job.shown === null || other.shown === null) job.shown = other.shown;
  else if (job.shown !== other.shown) becomeShown(job.shown, other.shown);
  job.ended = other.ended;
}

/** For who looks at it later: the job's own is changed in place. */
export function copyOfShown(shown: JobShown): JobShown {
  const { view, last } = shown;
  return { ...shown, view: { ...view, photos: { ...view.photos } }, last: { ...last } };
}

type Writable<Fields> = { -readonly [Name in keyof Fields]: Fields[Name] };

/**
 * What is put in place of an old object has to be brought among the old ones first, so that each one stays. Field by field:
 * Object.assign takes ten times as long, for every event.
 */
function becomeShown(shown: Writable<JobShown>, other: JobShown): void {
  becomeView(shown.view, other.view);
  becomeStamp(shown.last, other.last);
  shown.totalsVersion = other.totalsVersion;
  shown.lastAtMs = other.lastAtMs;
}

function becomeView(view: Writable<JobView>, other: JobView): void {
  becomeCounts(view.photos, other.photos);
  view.status = other.status;
  view.bytes = other.bytes;
  view.total = other.total;
  view.tenths = other.tenths;
  view.estimated = other.estimated;
  view.remaining = other.remaining;
  view.title = other.title;
}

function becomeCounts(counts: Writable<PhotoCounts>, other: PhotoCounts): void {
  counts.total = other.total;
  counts.completed = other.completed;
  counts.failed = other.failed;
  counts.cancelled = other.cancelled;
  counts.active = other.active;
}

function becomeStamp(stamp: Writable<Stamp>, other: Stamp): void {
  stamp.seq = other.seq;
  stamp.at = other.at;
}
