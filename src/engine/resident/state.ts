import { absorb, type Draft } from "../../domain/draft.ts";
import { createJob, type Job } from "../../domain/job.ts";
import { DeadlineQueue } from "../deadline-queue.ts";
import type { OwnedKind, ShownEntry, Since, SinceQuery, StoreStats } from "../store.ts";
import { firstAfter, jobEntry, Orders } from "./order.ts";

/** A job, and the newest number of what was shown of it. */
export interface Kept {
  readonly job: Job;
  newestSeq: number;
}

/** All that is known of one user. Numbers of messages run from after `startSeq` to `headSeq`. */
export interface User {
  readonly userId: string;
  readonly startSeq: number;
  /** The newest number that was committed, and the newest that was given. */
  headSeq: number;
  givenSeq: number;
  /** The newest number that was forgotten with a dropped job: who stands before it may have missed an ending. */
  prunedSeq: number;
  /** In the order in which they were heard of. */
  readonly jobs: Map<string, Kept>;
}

/** Committed state in the memory of this process. */
export class State {
  readonly epoch: string;
  readonly #users = new Map<string, User>();
  readonly #owners = { job: new Map<string, string>(), upload: new Map<string, string>() };
  readonly #orders = new Orders();
  /** Jobs in the order of their ends. */
  readonly #ended = new Set<Job>();
  /** No number at or below this is given to a new user, who may be one that was forgotten and came back. */
  #floorSeq: number;
  #jobs = 0;
  #openPhotos = 0;

  constructor(epoch: string, floorSeq: number) {
    this.epoch = epoch;
    this.#floorSeq = floorSeq;
  }

  get stats(): StoreStats {
    return { jobs: this.#jobs, openPhotos: this.#openPhotos, users: this.#users.size };
  }

  kept(userId: string, jobId: string): Kept | null {
    return this.#users.get(userId)?.jobs.get(jobId) ?? null;
  }

  user(userId: string): User | null {
    return this.#users.get(userId) ?? null;
  }

  jobsOf(userId: string): readonly Job[] {
    return [...(this.#users.get(userId)?.jobs.values() ?? [])].map(({ job }) => job);
  }

  ensureUser(userId: string): User {
    const known = this.#users.get(userId);
    if (known !== undefined) return known;
    // An id handed out while nothing was known of the user is the start of what is told now.
    const startSeq = this.#floorSeq;
    const user = { userId, startSeq, headSeq: startSeq, givenSeq: startSeq, prunedSeq: 0, jobs: new Map() };
    this.#users.set(userId, user);
    return user;
  }

  /** Makes the draft's changes its job's own. `headSeq`: the number of its last message; 0: it has none. */
  absorb(draft: Draft, headSeq: number): void {
    const user = this.ensureUser(draft.userId);
    const kept = user.jobs.get(draft.jobId) ?? this.#add(user, draft);
    const { job } = kept;
    const [activeBefore, endedBefore] = [job.version === 0 ? 0 : job.tally.active, job.ended];
    absorb(job, draft);
    job.version += 1;
    this.#openPhotos += job.tally.active - activeBefore;
    if (job.ended !== null && endedBefore === null) this.#ended.add(job);
    if (headSeq === 0) return;
    kept.newestSeq = headSeq;
    user.headSeq = headSeq;
  }

  /** Forgets a job, its photos and its owner; forgets the user with the last one. */
  dropJob({ userId, jobId }: Job): void {
    const user = this.#users.get(userId);
    const kept = user?.jobs.get(jobId);
    if (user === undefined || kept === undefined) return;
    user.jobs.delete(jobId);
    this.#leaveOut(kept.job);
    user.prunedSeq = Math.max(user.prunedSeq, kept.newestSeq);
    if (user.jobs.size > 0) return;
    this.#floorSeq = Math.max(this.#floorSeq, user.givenSeq);
    this.#users.delete(userId);
  }

  /**
   * Forgets everything of the user; gives how many jobs that were. The numbers move on, so that every id given out
   * before, also while nothing was known of the user, is from before they begin.
   */
  dropUser(userId: string): number {
    const user = this.#users.get(userId);
    const jobs = this.jobsOf(userId);
    for (const job of jobs) this.#leaveOut(job);
    for (const [id, owner] of this.#owners.upload) if (owner === userId) this.#owners.upload.delete(id);
    this.#floorSeq = Math.max(this.#floorSeq, user?.givenSeq ?? 0) + 1;
    this.#users.delete(userId);
    return jobs.length;
  }

  ownerOf(kind: OwnedKind, id: string): string | null {
    return this.#owners[kind].get(id) ?? null;
  }

  /** False: it is bound already. */
  bindOwner(kind: OwnedKind, id: string, userId: string): boolean {
    const owners = this.#owners[kind];
    if (owners.has(id)) return false;
    owners.set(id, userId);
    return true;
  }

  /** Unbinds the id, unless the job is there. */
  releaseJob(userId: string, jobId: string): void {
    const isBound = this.#owners.job.get(jobId) === userId;
    if (isBound && this.kept(userId, jobId) === null) this.#owners.job.delete(jobId);
  }

  /** null: no job has ended. */
  get oldestEnded(): { readonly job: Job; readonly atMs: number } | null {
    for (const job of this.#ended) return { job, atMs: job.ended?.atMs ?? 0 };
    return null;
  }

  since({ userId, jobId, afterSeq, past }: SinceQuery): Since {
    const user = this.#users.get(userId);
    const one = jobId === null ? null : (user?.jobs.get(jobId) ?? null);
    const startSeq = user?.startSeq ?? this.#floorSeq;
    const wanted = jobId === null ? (user?.jobs.values() ?? []) : one === null ? [] : [one];
    return {
      epoch: this.epoch,
      startSeq,
      firstSeq: Math.max(startSeq, user?.prunedSeq ?? 0),
      headSeq: user?.headSeq ?? this.#floorSeq,
      entries: this.#entries(wanted, afterSeq, past),
      job: one?.job ?? null,
    };
  }

  *#entries(wanted: Iterable<Kept>, afterSeq: number, past: SinceQuery["past"]): Generator<ShownEntry> {
    const next = new DeadlineQueue<{ readonly entries: readonly ShownEntry[]; readonly index: number }>();
    for (const { job, newestSeq } of wanted) {
      if (newestSeq <= afterSeq) continue;
      const entries = this.#entriesOf(job, past);
      const index = firstAfter(entries, afterSeq);
      const first = entries[index];
      if (first !== undefined) next.add(first.seq, { entries, index });
    }
    for (const { item } of next.due(Number.POSITIVE_INFINITY)) {
      const { entries, index } = item;
      const [entry, following] = [entries[index], entries[index + 1]];
      if (following !== undefined) next.add(following.seq, { entries, index: index + 1 });
      if (entry !== undefined) yield entry;
    }
  }

  #entriesOf(job: Job, past: SinceQuery["past"]): readonly ShownEntry[] {
    if (past === null || job.ended === null || job.ended.atMs >= past.beforeMs) return this.#orders.of(job);
    const own = past.keep === "job" ? jobEntry(job) : null;
    return own === null ? [] : [own];
  }

  #add(user: User, { userId, jobId, lastEventAtMs }: Draft): Kept {
    const kept = { job: createJob(userId, jobId, lastEventAtMs), newestSeq: 0 };
    user.jobs.set(jobId, kept);
    this.#jobs += 1;
    return kept;
  }

  #leaveOut(job: Job): void {
    this.#jobs -= 1;
    this.#openPhotos -= job.tally.active;
    this.#ended.delete(job);
    this.#orders.forget(job);
    if (this.#owners.job.get(job.jobId) === job.userId) this.#owners.job.delete(job.jobId);
  }
}
