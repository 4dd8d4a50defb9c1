import { absorb, type Draft, takeOver } from "../../domain/draft.ts";
import { shareOf } from "../../domain/photo-view.ts";
import { createPackedJob, type PackedJob } from "../records.ts";
import type { StoreStats } from "../store.ts";
import { endedMs, jobFrom, photoFrom } from "./codec.ts";
import type { CommitReply, JobNews, JobReply } from "./replies.ts";

type Committed = Extract<CommitReply, { outcome: "committed" }>;

/** A job as it was when it was last heard of. */
export interface Cached {
  readonly job: PackedJob;
  /** In which it was read or committed last: in another one Redis may have lost some of it. */
  epoch: string;
  readonly bornSeq: number;
  newestSeq: number;
  /** Milliseconds; null: it has not ended. */
  endedMs: number | null;
  /** False: without its photos. */
  readonly isWhole: boolean;
}

/**
 * Jobs that this machine worked on or read lately. What is here may be older than what Redis has, or (another epoch) what
 * Redis has lost; a commit finds out. The least lately used go when there are too many photos.
 */
export class JobCache {
  readonly #maxPhotos: number;
  readonly #users = new Map<string, Map<string, Cached>>();
  /** In the order of their use. */
  readonly #lately = new Set<Cached>();
  /** Users who are being read, and how often. */
  readonly #pinned = new Map<string, number>();
  #photos = 0;
  #openPhotos = 0;

  constructor(maxPhotos: number) {
    this.#maxPhotos = maxPhotos;
  }

  get stats(): StoreStats {
    return { jobs: this.#lately.size, openPhotos: this.#openPhotos, users: this.#users.size };
  }

  /** null: not here. */
  get(userId: string, jobId: string): Cached | null {
    const cached = this.#users.get(userId)?.get(jobId);
    if (cached === undefined) return null;
    this.#lately.delete(cached);
    this.#lately.add(cached);
    return cached;
  }

  of(userId: string): readonly Cached[] {
    return [...(this.#users.get(userId)?.values() ?? [])];
  }

  /** Takes over what a script told of a job. False: it builds on what is not here. */
  apply(userId: string, { jobId, version, news }: JobReply, epoch: string): boolean {
    const cached = this.get(userId, jobId);
    if (news === null) return cached !== null && cached.epoch === epoch && cached.job.version >= version;
    // Two answers may come in another order than they were given in.
    if (cached !== null && cached.epoch === epoch && cached.job.version > version) return true;
    const { sinceVersion } = news;
    if (sinceVersion === null || sinceVersion === 0) {
      // Whoever is told less than is here knows more already.
      const isKnown = cached?.isWhole === true && cached.epoch === epoch && cached.job.version === version;
      if (!isKnown) this.#put(userId, cachedFrom(userId, jobId, version, news, epoch));
      return true;
    }
    const isBase = cached?.isWhole === true && cached.epoch === epoch && cached.job.version >= sinceVersion;
    if (!isBase) return false;
    this.#change(cached, () => bringUp(cached, version, news));
    return true;
  }

  /** Makes a committed draft its job's own. */
  absorb(draft: Draft, { version, epoch, headSeq }: Committed, count: number): void {
    const { userId, jobId } = draft;
    if (draft.version === 0 && this.get(userId, jobId) === null) {
      const job = createPackedJob(userId, jobId, draft.lastEventAtMs);
      const bornSeq = headSeq + 1;
      this.#put(userId, { job, epoch, bornSeq, newestSeq: 0, endedMs: null, isWhole: true });
    }
    const cached = this.get(userId, jobId);
    if (cached === null || !cached.isWhole || cached.job.version !== draft.version) return;
    this.#change(cached, () => {
      absorb(cached.job, draft);
      cached.job.version = version;
      // It was of the expected version, which is never given twice: all of it is there.
      cached.epoch = epoch;
      cached.endedMs ??= endedMs(draft);
      if (count > 0) cached.newestSeq = headSeq + count;
    });
  }

  drop(userId: string, jobId: string): void {
    const user = this.#users.get(userId);
    const cached = user?.get(jobId);
    if (user === undefined || cached === undefined) return;
    user.delete(jobId);
    if (user.size === 0) this.#users.delete(userId);
    this.#lately.delete(cached);
    this.#count(cached, -1);
  }

  /** Keeps all of the user, until the function is called that this gives. */
  pin(userId: string): () => void {
    this.#pinned.set(userId, (this.#pinned.get(userId) ?? 0) + 1);
    return () => {
      const left = (this.#pinned.get(userId) ?? 1) - 1;
      if (left === 0) this.#pinned.delete(userId);
      else this.#pinned.set(userId, left);
    };
  }

  /** To be called when what was asked for is not needed any more. */
  trim(): void {
    for (const { job } of this.#lately) {
      if (this.#photos <= this.#maxPhotos) return;
      if (!this.#pinned.has(job.userId)) this.drop(job.userId, job.jobId);
    }
  }

  #put(userId: string, cached: Cached): void {
    const { jobId } = cached.job;
    this.drop(userId, jobId);
    const user = this.#users.get(userId);
    if (user === undefined) this.#users.set(userId, new Map([[jobId, cached]]));
    else user.set(jobId, cached);
    this.#lately.add(cached);
    this.#count(cached, 1);
  }

  #change(cached: Cached, change: () => void): void {
    this.#count(cached, -1);
    change();
    this.#count(cached, 1);
  }

  /** A job weighs something even without photos. */
  #count({ job }: Cached, sign: 1 | -1): void {
    this.#photos += sign * (job.photos.size + 1);
    this.#openPhotos += sign * job.tally.active;
  }
}

function cachedFrom(userId: string, jobId: string, version: number, news: JobNews, epoch: string): Cached {
  const job = jobFrom(userId, jobId, version, news.record);
  takePhotos(job, news);
  const { bornSeq, newestSeq, sinceVersion } = news;
  return { job, epoch, bornSeq, newestSeq, endedMs: news.endedMs, isWhole: sinceVersion !== null };
}

/** Changes the job in place: whoever holds it goes on with the newer state. */
function bringUp(cached: Cached, version: number, news: JobNews): void {
  const { job } = cached;
  takeOver(job, jobFrom(job.userId, job.jobId, version, news.record));
  job.version = version;
  takePhotos(job, news);
  cached.newestSeq = news.newestSeq;
  cached.endedMs = news.endedMs;
}

function takePhotos(job: PackedJob, { photos }: JobNews): void {
  for (const [photoId, value] of photos) {
    const before = job.photos.get(photoId);
    const photo = photoFrom(photoId, value);
    job.tally.replace(before === undefined ? null : shareOf(before), shareOf(photo));
    job.photos.set(photoId, photo);
  }
}
