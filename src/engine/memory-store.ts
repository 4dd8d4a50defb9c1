import { randomBytes } from "node:crypto";
import { createJob, type Job } from "../domain/job.ts";
import { ShownLog } from "./shown-log.ts";

/** All that the hub knows of one user. Numbers of messages run from after `startSeq` to `headSeq`. */
export interface UserState {
  readonly userId: string;
  readonly startSeq: number;
  headSeq: number;
  /** The newest number that was forgotten with a pruned job: who stands before it may have missed an ending. */
  prunedSeq: number;
  /** Oldest first. */
  readonly jobs: Map<string, Job>;
  readonly log: ShownLog;
}

/** State in the memory of this process: the epoch is new at each start, and its numbers never fall. */
export class MemoryStore {
  readonly epoch = `m${randomBytes(6).toString("hex")}`;
  readonly #users = new Map<string, UserState>();
  /** The first user that a trusted producer named for a job id. */
  readonly #owners = new Map<string, string>();
  /** No number at or below this is given to a new user, who may be one that was forgotten and came back. */
  #floorSeq: number;

  /** `startMs`: Unix milliseconds; no start of a hub may be given less than one before it. */
  constructor(startMs: number) {
    this.#floorSeq = Math.floor(startMs) * 1000;
  }

  /** The head of a user of whom nothing is known yet. */
  get floorSeq(): number {
    return this.#floorSeq;
  }

  get userCount(): number {
    return this.#users.size;
  }

  user(userId: string): UserState | null {
    return this.#users.get(userId) ?? null;
  }

  job(userId: string, jobId: string): Job | null {
    return this.#users.get(userId)?.jobs.get(jobId) ?? null;
  }

  ownerOf(jobId: string): string | null {
    return this.#owners.get(jobId) ?? null;
  }

  /** Binds a job id to its first owner; later calls change nothing. */
  bindOwner(jobId: string, userId: string): void {
    if (!this.#owners.has(jobId)) this.#owners.set(jobId, userId);
  }

  addJob(userId: string, jobId: string, nowMs: number): Job {
    const job = createJob(userId, jobId, nowMs);
    this.#ensureUser(userId).jobs.set(jobId, job);
    return job;
  }

  /** Forgets a job, its photos and its owner; forgets the user with the last one. */
  dropJob(job: Job): void {
    const user = this.#users.get(job.userId);
    if (user?.jobs.get(job.jobId) !== job) return;
    user.jobs.delete(job.jobId);
    this.#unbindOwner(job);
    user.prunedSeq = Math.max(user.prunedSeq, newestSeqOf(job));
    job.shown = null;
    for (const photo of job.photos.values()) photo.shown = null;
    user.log.sweep();
    if (user.jobs.size > 0) return;
    this.#floorSeq = Math.max(this.#floorSeq, user.headSeq);
    this.#users.delete(user.userId);
  }

  /**
   * Forgets everything of the user; gives the jobs there were. The numbers move on, so that every id given out before,
   * also while nothing was known of the user, is from before they begin.
   */
  dropUser(userId: string): readonly Job[] {
    const user = this.#users.get(userId);
    const jobs = [...(user?.jobs.values() ?? [])];
    for (const job of jobs) this.#unbindOwner(job);
    this.#floorSeq = Math.max(this.#floorSeq, user?.headSeq ?? 0) + 1;
    this.#users.delete(userId);
    return jobs;
  }

  #unbindOwner({ jobId, userId }: Job): void {
    if (this.#owners.get(jobId) === userId) this.#owners.delete(jobId);
  }

  #ensureUser(userId: string): UserState {
    const known = this.#users.get(userId);
    if (known !== undefined) return known;
    // An id handed out while nothing was known of the user is the start of what is told now.
    const startSeq = this.#floorSeq;
    const log = new ShownLog();
    const user = { userId, startSeq, headSeq: startSeq, prunedSeq: 0, jobs: new Map<string, Job>(), log };
    this.#users.set(userId, user);
    return user;
  }
}

function newestSeqOf(job: Job): number {
  let seq = job.shown?.last.seq ?? 0;
  for (const photo of job.photos.values()) seq = Math.max(seq, photo.shown?.last.seq ?? 0);
  return seq;
}
