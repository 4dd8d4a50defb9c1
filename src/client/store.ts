import { Emitter, tell } from "./emitter.ts";
import {
  type HubMessage,
  isJobMessage,
  isOlder,
  isPhotoMessage,
  isSameEpoch,
  type JobMessage,
  type PhotoMessage,
} from "./messages.ts";

/** A photo as it is now. Immutable: as long as nothing of it changes it is the same object. */
export type Photo = Omit<PhotoMessage, "type" | "id"> & {
  readonly hasEnded: boolean;
};

/** A job as it is now, immutable, too. */
export type Job = Omit<JobMessage, "type" | "id"> & {
  readonly hasEnded: boolean;
};

/** What a store tells as it happens: each photo or job that changed, and the end of a job, once. */
export interface StoreEvents {
  photo: Photo;
  job: Job;
  ended: Job;
}

interface KeptJob {
  /** null: only photos of it were heard of so far. */
  job: Job | null;
  id: string;
  /** The ids of its photos; null: one was added since it was asked for. */
  photoIds: readonly string[] | null;
  readonly photos: Map<string, { photo: Photo; id: string }>;
}

const NONE: readonly string[] = [];
/** The oldest ended jobs above this number are forgotten, so that a page that stays open for days stays small. */
const MAX_ENDED_JOBS = 200;

/**
 * The last state of every photo and job that the hub tells of. It never goes back: what is older than what is there changes
 * nothing. Who subscribes is told at most once a flush, however many messages came.
 */
export class ProgressStore {
  readonly events = new Emitter<StoreEvents>();
  readonly #jobs = new Map<string, KeptJob>();
  /** null: one was added or forgotten since it was asked for. */
  #jobIds: readonly string[] | null = NONE;
  readonly #jobOfPhoto = new Map<string, string>();
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #changed = new Set<string>();
  /** Jobs and photos that were told of since the connection began, or since its last `synced`; of a photo its job, too. */
  #touched = new Set<string>();
  #isBehind = false;
  #lastId: string | null = null;
  /** Of what came since the connection began: resumed from the midst of it, nobody would learn what to forget. */
  #nextId: string | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** What a connection resumes after; null: nothing was heard yet. */
  get lastId(): string | null {
    return this.#lastId;
  }

  /** In the order in which they were first heard of; the same array until one is added or forgotten. */
  jobIds(): readonly string[] {
    this.#jobIds ??= [...this.#jobs.keys()];
    return this.#jobIds;
  }

  /** null: unknown, or only photos of it were heard of so far. */
  job(jobId: string): Job | null {
    return this.#jobs.get(jobId)?.job ?? null;
  }

  /** Of the job's photos; the same array until one is added. */
  photoIds(jobId: string): readonly string[] {
    const kept = this.#jobs.get(jobId);
    if (kept === undefined) return NONE;
    kept.photoIds ??= [...kept.photos.keys()];
    return kept.photoIds;
  }

  /** null: unknown. */
  photo(jobId: string, photoId: string): Photo | null {
    return this.#jobs.get(jobId)?.photos.get(photoId)?.photo ?? null;
  }

  /** Where the job is not known; of several jobs with a photo of that id the one that was heard of last. null: unknown. */
  photoById(photoId: string): Photo | null {
    const jobId = this.#jobOfPhoto.get(photoId);
    return jobId === undefined ? null : this.photo(jobId, photoId);
  }

  /** Called after a flush in which the list of jobs changed. Gives back what ends it, as the following do. */
  onJobs(listener: () => void): () => void {
    return this.#listen("", listener);
  }

  /** The job itself or the list of its photos changed, not what they are. */
  onJob(jobId: string, listener: () => void): () => void {
    return this.#listen(jobId, listener);
  }

  onPhoto(jobId: string, photoId: string, listener: () => void): () => void {
    return this.#listen(photoKey(jobId, photoId), listener);
  }

  onPhotoById(photoId: string, listener: () => void): () => void {
    return this.#listen(photoKey("", photoId), listener);
  }

  /** A connection has begun: what comes until its `synced` is the state as it is, and told at once. */
  opened(): void {
    this.#touched = new Set();
    this.#isBehind = true;
    this.#nextId = null;
  }

  apply(message: HubMessage): void {
    if (message.type === "synced") {
      if (message.mode === "snapshot") this.#forgetUntouched();
      this.#touched = new Set();
      this.#caughtUp(message.id ?? null);
      this.flush();
    } else if (isPhotoMessage(message)) this.#applyPhoto(message);
    else if (isJobMessage(message)) this.#applyJob(message);
  }

  /** All that is here as a hub would tell it: a store that begins, applies it and is told `synced` shows the same. */
  messages(): HubMessage[] {
    return [...this.#jobs.values()].flatMap(({ job, id, photos }) => [
      ...[...photos.values()].map(({ photo, id }) => messageOfPhoto(photo, id)),
      ...(job === null ? [] : [messageOfJob(job, id)]),
    ]);
  }

  /** Tells subscribers now what they would be told soon. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const key of changed) for (const listener of [...(this.#listeners.get(key) ?? [])]) tell(listener);
  }

  /** Another user: everything is forgotten. */
  clear(): void {
    for (const jobId of [...this.#jobs.keys()]) this.#forget(jobId);
    this.#lastId = null;
    this.flush();
  }

  #applyPhoto(message: PhotoMessage): void {
    const { type, id, ...state } = message;
    const { jobId, photoId } = state;
    this.#heard(id);
    const kept = this.#keptOf(jobId);
    this.#touched.add(photoKey(jobId, photoId));
    const before = kept.photos.get(photoId);
    if (before !== undefined && isOlder(id, before.id)) return;
    const fileName = state.fileName ?? before?.photo.fileName;
    const hasEnded = type === "upload_completed" || type === "upload_failed";
    const photo: Photo = { ...state, ...(fileName !== undefined && { fileName }), hasEnded };
    if (before?.id === id && isSame(photo, before.photo)) return;
    kept.photos.set(photoId, { photo, id });
    if (before === undefined) {
      kept.photoIds = null;
      this.#change(jobId);
    }
    this.#jobOfPhoto.set(photoId, jobId);
    this.#changePhoto(jobId, photoId);
    this.events.emit("photo", photo);
  }

  #applyJob(message: JobMessage): void {
    const { type, id, ...state } = message;
    const { jobId } = state;
    this.#heard(id);
    const kept = this.#keptOf(jobId);
    if (kept.job !== null && isOlder(id, kept.id)) return;
    const hadEnded = kept.job?.hasEnded === true;
    const job: Job = { ...state, hasEnded: type === "job_completed" };
    if (kept.job !== null && kept.id === id && isSame(job, kept.job)) return;
    kept.job = job;
    kept.id = id;
    this.#change(jobId);
    this.events.emit("job", job);
    if (!job.hasEnded || hadEnded) return;
    this.events.emit("ended", job);
    this.#forgetOldest();
  }

  #keptOf(jobId: string): KeptJob {
    this.#touched.add(jobId);
    const known = this.#jobs.get(jobId);
    if (known !== undefined) return known;
    const kept: KeptJob = { job: null, id: "", photoIds: NONE, photos: new Map() };
    this.#jobs.set(jobId, kept);
    this.#jobIds = null;
    this.#change("");
    return kept;
  }

  #forgetUntouched(): void {
    for (const [jobId, kept] of [...this.#jobs]) {
      if (!this.#touched.has(jobId)) this.#forget(jobId);
      // All photos of a job under way are in a snapshot; of one that has ended they need not be.
      else if (kept.job?.hasEnded === false) this.#forgetUntouchedPhotos(jobId, kept);
    }
  }

  #forgetUntouchedPhotos(jobId: string, kept: KeptJob): void {
    for (const photoId of [...kept.photos.keys()]) {
      if (this.#touched.has(photoKey(jobId, photoId))) continue;
      kept.photos.delete(photoId);
      kept.photoIds = null;
      this.#forgetPhoto(jobId, photoId);
      this.#change(jobId);
    }
  }

  #forgetOldest(): void {
    const ended = this.jobIds().filter((jobId) => this.job(jobId)?.hasEnded === true);
    for (const jobId of ended.slice(0, -MAX_ENDED_JOBS)) this.#forget(jobId);
  }

  #forget(jobId: string): void {
    for (const photoId of this.photoIds(jobId)) this.#forgetPhoto(jobId, photoId);
    this.#jobs.delete(jobId);
    this.#touched.delete(jobId);
    this.#jobIds = null;
    this.#change(jobId);
    this.#change("");
  }

  #forgetPhoto(jobId: string, photoId: string): void {
    if (this.#jobOfPhoto.get(photoId) === jobId) this.#jobOfPhoto.delete(photoId);
    this.#touched.delete(photoKey(jobId, photoId));
    this.#changePhoto(jobId, photoId);
  }

  /** Of a message. Another epoch in the midst of a connection begins with a snapshot, too. */
  #heard(id: string): void {
    if (this.#lastId !== null && !isSameEpoch(id, this.#lastId)) this.#isBehind = true;
    if (this.#isBehind) this.#nextId = id;
    else if (this.#lastId === null || !isOlder(id, this.#lastId)) this.#lastId = id;
  }

  /** All that was to be told is told. */
  #caughtUp(headId: string | null): void {
    const id = headId ?? this.#nextId;
    if (id !== null && (this.#lastId === null || !isOlder(id, this.#lastId))) this.#lastId = id;
    this.#nextId = null;
    this.#isBehind = false;
  }

  #listen(key: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key);
    };
  }

  #changePhoto(jobId: string, photoId: string): void {
    this.#change(photoKey(jobId, photoId));
    this.#change(photoKey("", photoId));
  }

  #change(key: string): void {
    if (!this.#listeners.has(key)) return;
    this.#changed.add(key);
    // What is told of the past is one change; if it takes its time, it is shown as it comes all the same.
    this.#timer ??= setTimeout(() => this.flush(), this.#isBehind ? BEHIND_MS : LIVE_MS);
  }
}

/** A frame of a screen: nobody sees more than one change in it. */
const LIVE_MS = 16;
const BEHIND_MS = 500;

/** Of one message that came twice, in a snapshot, say: nothing has changed, so nobody is told. */
function isSame(one: object, other: object): boolean {
  const fields = new Map(Object.entries(other));
  const entries = Object.entries(one);
  return (
    entries.length === fields.size &&
    entries.every(([name, value]) => JSON.stringify(value) === JSON.stringify(fields.get(name)))
  );
}

/** Neither id has a blank. Without a job: of whichever. */
function photoKey(jobId: string, photoId: string): string {
  return `${jobId} ${photoId}`;
}

function messageOfPhoto({ hasEnded, ...state }: Photo, id: string): PhotoMessage {
  const ending = state.status === "COMPLETED" ? "upload_completed" : "upload_failed";
  return { ...state, type: hasEnded ? ending : "upload_progress", id };
}

function messageOfJob({ hasEnded, ...state }: Job, id: string): JobMessage {
  return { ...state, type: hasEnded ? "job_completed" : "job_progress", id };
}
