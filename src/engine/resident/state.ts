import { absorb, type Draft, isJobChanged } from "../../domain/draft.ts";
import { isQuiet, type Job } from "../../domain/job.ts";
import { Tally } from "../../domain/tally.ts";
import type { OutMessage } from "../contract.ts";
import { atMost, entriesAfter, Order, Orders } from "../order.ts";
import { PackedPhotos } from "../packed-photos.ts";
import { addPhoto, createPackedJob, type KeptJob, type PackedJob } from "../records.ts";
import type { Since, SinceQuery, StoreStats } from "../store.ts";
import type { Batch, Disk, JobKey } from "./disk.ts";
import type { Sealed } from "./group.ts";
import { QuietJobs } from "./quiet-jobs.ts";
import type { Times } from "./record-bytes.ts";

/** A job in memory. */
export interface Kept extends KeptJob {
  job: PackedJob;
  /** Number of its first message, and of the newest that still stands. */
  bornSeq: number;
  newestSeq: number;
  endedUnixMs: number | null;
  /** False: its photos are on disk alone. */
  isWhole: boolean;
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
  /** Not on disk yet. */
  isNew: boolean;
  /** Under way. */
  commits: number;
  /** Of a group that is committed, until its end is told; null: none. */
  outbox: OutMessage[] | null;
  /** The round of `unloadIdle` in which somebody asked for it last. */
  usedRound: number;
}

/** Users without an open job leave memory, where there is a disk, when nobody has asked for them for so many rounds. */
const IDLE_ROUNDS = 2;

/**
 * Committed state: in memory all that has something to do, and what was asked for lately; on disk, where there is one,
 * all. What is in memory is never newer than the disk.
 */
export class State {
  readonly epoch: string;
  readonly #disk: Disk | null;
  readonly #times: () => Times;
  readonly #users = new Map<string, User>();
  readonly #orders = new Orders();
  /** Without a disk: jobs in the order of their ends. */
  readonly #ended = new Set<Kept>();
  readonly #quiet = new QuietJobs<Kept>();
  /** No number at or below this is given to a new user, who may be one that was forgotten and came back. */
  #floorSeq: number;
  /** All of them in memory. */
  #unendedJobs = 0;
  /** On disk too, where to count them takes long. */
  #endedJobs: number;
  #userCount: number;
  #openPhotos = 0;
  #round = 0;

  /** `times`: of now; its origin never changes. */
  constructor(epoch: string, floorSeq: number, disk: Disk | null, times: () => Times) {
    this.epoch = epoch;
    this.#floorSeq = floorSeq;
    this.#disk = disk;
    this.#times = times;
    const { endedJobs, users } = disk?.counts ?? { endedJobs: 0, users: 0 };
    this.#endedJobs = endedJobs;
    this.#userCount = users;
  }

  get stats(): StoreStats {
    const jobs = this.#unendedJobs + this.#endedJobs;
    return { jobs, users: this.#userCount, openPhotos: this.#openPhotos };
  }

  get openPhotos(): number {
    return this.#openPhotos;
  }

  get floorSeq(): number {
    return this.#floorSeq;
  }

  /** Reads a job that has something to do into memory. */
  restore({ userId, jobId }: JobKey): Job | null {
    const kept = this.kept(userId, jobId);
    if (kept === null) return null;
    const { job } = this.#whole(kept);
    this.#openPhotos += job.tally.active;
    if (job.ended === null) this.#unendedJobs += 1;
    this.#quiet.leave(kept);
    return job;
  }

  /** null: there is none. */
  kept(userId: string, jobId: string): Kept | null {
    return this.user(userId)?.jobs.get(jobId) ?? null;
  }

  /** The job with its photos. */
  job(userId: string, jobId: string): Job | null {
    const kept = this.kept(userId, jobId);
    return kept === null ? null : this.#whole(kept).job;
  }

  /** null: nothing is known of the user. */
  user(userId: string): User | null {
    const user = this.#users.get(userId) ?? this.#readUser(userId);
    if (user !== null) user.usedRound = this.#round;
    return user;
  }

  jobsOf(userId: string): readonly Job[] {
    return [...(this.user(userId)?.jobs.values() ?? [])].map(({ job }) => job);
  }

  ensureUser(userId: string): User {
    const known = this.user(userId);
    if (known !== null) return known;
    // An id handed out while nothing was known of the user is the start of what is told now.
    const startSeq = this.#floorSeq;
    const user: User = {
      userId,
      startSeq,
      headSeq: startSeq,
      givenSeq: startSeq,
      prunedSeq: 0,
      jobs: new Map(),
      isNew: true,
      commits: 0,
      outbox: null,
      usedRound: this.#round,
    };
    this.#users.set(userId, user);
    return user;
  }

  /** What `absorb` is going to do, for the disk. */
  write(batch: Batch, { draft, user, kept, messages }: Sealed): void {
    if (user.isNew) batch.user(user.userId, user);
    const photos = draft.photos.changed();
    for (const photo of photos) batch.photo(draft, photo);
    const newestSeq = messages.at(-1)?.seq ?? null;
    if (kept !== null && photos.length === 0 && newestSeq === null && !isJobChanged(kept.job, draft)) return;
    const record = {
      job: draft,
      bornSeq: kept?.bornSeq ?? messages[0]?.seq ?? 0,
      newestSeq: newestSeq ?? kept?.newestSeq ?? 0,
      endedUnixMs: this.#endedUnixMs(kept, draft),
    };
    batch.job(record, kept?.job ?? null);
  }

  /** Makes the draft's changes its job's own. */
  absorb({ draft, user, kept: before, messages }: Sealed): void {
    if (user.isNew) this.#userCount += 1;
    user.isNew = false;
    const kept = before ?? this.#add(user, draft, messages[0]?.seq ?? 0);
    const { job } = this.#whole(kept);
    const activeBefore = job.tally.active;
    if (job.ended === null && draft.ended !== null) {
      this.#unendedJobs -= 1;
      this.#endedJobs += 1;
    }
    kept.endedUnixMs = this.#endedUnixMs(kept, draft);
    absorb(job, draft);
    job.version += 1;
    this.#openPhotos += job.tally.active - activeBefore;
    if (job.ended !== null && this.#disk === null) this.#ended.add(kept);
    this.#noteQuiet(kept);
    const newestSeq = messages.at(-1)?.seq;
    if (newestSeq === undefined) return;
    kept.newestSeq = newestSeq;
    user.headSeq = newestSeq;
  }

  /** Forgets a job and its photos; forgets the user with the last one. */
  dropJob({ userId, jobId }: JobKey): void {
    const user = this.#users.get(userId);
    const kept = user?.jobs.get(jobId);
    if (user === undefined || kept === undefined) return;
    user.jobs.delete(jobId);
    this.#leaveOut(kept);
    user.prunedSeq = Math.max(user.prunedSeq, kept.newestSeq);
    if (user.jobs.size > 0) return;
    this.#floorSeq = Math.max(this.#floorSeq, user.givenSeq);
    this.#userCount -= 1;
    this.#users.delete(userId);
  }

  /** What `dropJob` is going to do to the jobs, for the disk. */
  writeDrops(batch: Batch, jobs: readonly Kept[]): void {
    const left = new Map<User, number>();
    for (const kept of jobs) {
      const user = this.user(kept.job.userId);
      if (user === null) continue;
      batch.dropJob(kept);
      left.set(user, (left.get(user) ?? user.jobs.size) - 1);
    }
    let { floorSeq } = this;
    for (const [user, jobsLeft] of left) {
      const dropped = jobs.filter(({ job }) => job.userId === user.userId);
      const prunedSeq = Math.max(user.prunedSeq, ...dropped.map(({ newestSeq }) => newestSeq));
      if (jobsLeft > 0) batch.user(user.userId, { ...user, headSeq: user.givenSeq, prunedSeq });
      else batch.dropUser(user.userId);
      if (jobsLeft === 0) floorSeq = Math.max(floorSeq, user.givenSeq);
    }
    if (floorSeq > this.floorSeq) batch.floorSeq(floorSeq);
  }

  /**
   * Forgets everything of the user; gives how many jobs that were. The numbers move on, so that every id given out
   * before, also while nothing was known of the user, is from before they begin.
   */
  dropUser(userId: string): number {
    const user = this.user(userId);
    for (const kept of user?.jobs.values() ?? []) this.#leaveOut(kept);
    this.#floorSeq = this.#floorAfter(user);
    if (user !== null && !user.isNew) this.#userCount -= 1;
    this.#users.delete(userId);
    return user?.jobs.size ?? 0;
  }

  /** What `dropUser` is going to do, for the disk. */
  writeUserDrop(batch: Batch, userId: string): void {
    const user = this.user(userId);
    for (const kept of user?.jobs.values() ?? []) batch.dropJob(kept);
    batch.dropUser(userId);
    batch.floorSeq(this.#floorAfter(user));
  }

  /** Forgets a user who was made for a commit that failed. */
  undoUser(userId: string): void {
    const user = this.#users.get(userId);
    if (user?.isNew && user.jobs.size === 0) this.#users.delete(userId);
  }

  /** Milliseconds of the store's clock; null: no job has ended. */
  get oldestEndMs(): number | null {
    if (this.#disk !== null) {
      const unixMs = this.#disk.oldestEndUnixMs;
      return unixMs === null ? null : unixMs - this.#times().originUnixMs;
    }
    for (const { job } of this.#ended) return job.ended?.atMs ?? 0;
    return null;
  }

  /** At most `limit` jobs that ended at or before a time, oldest first. */
  endedUntil(atMs: number, limit: number): readonly Kept[] {
    const found: Kept[] = [];
    for (const { userId, jobId } of this.#endedKeys(atMs)) {
      if (found.length === limit) break;
      const kept = this.kept(userId, jobId);
      if (kept !== null) found.push(kept);
    }
    return found;
  }

  /** Users with nothing to do leave memory, where there is a disk. */
  unloadIdle(): void {
    if (this.#disk === null) return;
    this.#round += 1;
    for (const user of this.#users.values()) {
      const isUsed = user.commits > 0 || this.#round - user.usedRound <= IDLE_ROUNDS;
      if (isUsed || [...user.jobs.values()].some(({ job }) => !isQuiet(job))) continue;
      for (const kept of user.jobs.values()) this.#forgetPhotos(kept);
      this.#users.delete(user.userId);
    }
  }

  since({ userId, jobId, afterSeq, limit, past }: SinceQuery): Since {
    const user = this.user(userId);
    const one = jobId === null ? null : (user?.jobs.get(jobId) ?? null);
    const startSeq = user?.startSeq ?? this.#floorSeq;
    const wanted = jobId === null ? (user?.jobs.values() ?? []) : one === null ? [] : [one];
    return {
      epoch: this.epoch,
      startSeq,
      firstSeq: Math.max(startSeq, user?.prunedSeq ?? 0),
      headSeq: user?.headSeq ?? this.#floorSeq,
      // Whoever has none begins above all whom anybody forgot meanwhile.
      isNextKnown: user !== null,
      ...atMost(
        limit,
        entriesAfter(afterSeq, Number.POSITIVE_INFINITY, this.#ordersOf(wanted, afterSeq, past)),
      ),
      job: one?.job ?? null,
    };
  }

  *#endedKeys(atMs: number): Generator<JobKey> {
    if (this.#disk !== null) {
      yield* this.#disk.endedUntil(Math.floor(atMs + this.#times().originUnixMs));
      return;
    }
    for (const { job } of this.#ended) {
      if ((job.ended?.atMs ?? 0) > atMs) return;
      yield job;
    }
  }

  *#ordersOf(wanted: Iterable<Kept>, afterSeq: number, past: SinceQuery["past"]): Generator<Order> {
    for (const kept of wanted) if (kept.newestSeq > afterSeq) yield this.#orderOf(kept, past);
  }

  #orderOf(kept: Kept, past: SinceQuery["past"]): Order {
    const { ended } = kept.job;
    if (past === null || ended === null || ended.atMs >= past.beforeMs) {
      return this.#orders.of(this.#whole(kept).job);
    }
    return past.keep === "job" ? Order.ofJobAlone(kept.job) : Order.ofNothing(kept.job);
  }

  #readUser(userId: string): User | null {
    const record = this.#disk?.user(userId) ?? null;
    if (this.#disk === null || record === null) return null;
    const { startSeq, prunedSeq } = record;
    const jobs = new Map<string, Kept>();
    let { headSeq } = record;
    for (const kept of this.#disk.jobsOf(userId, this.#times())) {
      jobs.set(kept.job.jobId, { ...kept, isWhole: false });
      headSeq = Math.max(headSeq, kept.newestSeq);
    }
    const numbers = { startSeq, headSeq, givenSeq: headSeq, prunedSeq };
    const user = { userId, ...numbers, jobs, isNew: false, commits: 0, outbox: null, usedRound: this.#round };
    this.#users.set(userId, user);
    return user;
  }

  /** Reads the photos, where they are on disk alone. */
  #whole(kept: Kept): Kept {
    if (kept.isWhole || this.#disk === null) return kept;
    for (const photo of this.#disk.photosOf(kept.job, this.#times().nowMs)) addPhoto(kept.job, photo);
    kept.isWhole = true;
    this.#noteQuiet(kept);
    return kept;
  }

  #noteQuiet(kept: Kept): void {
    if (this.#disk === null) return;
    for (const oldest of this.#quiet.touch(kept)) this.#forgetPhotos(oldest);
  }

  /** Whoever holds the job as it was goes on with that. */
  #forgetPhotos(kept: Kept): void {
    this.#quiet.leave(kept);
    this.#orders.forget(kept.job);
    kept.job = { ...kept.job, photos: new PackedPhotos(), tally: new Tally() };
    kept.isWhole = false;
  }

  #endedUnixMs(kept: KeptJob | null, { ended }: Job): number | null {
    if (ended === null) return null;
    return kept?.endedUnixMs ?? Math.round(this.#times().originUnixMs + ended.atMs);
  }

  #add(user: User, { userId, jobId, lastEventAtMs }: Draft, bornSeq: number): Kept {
    const job = createPackedJob(userId, jobId, lastEventAtMs);
    const kept = { job, bornSeq, newestSeq: 0, endedUnixMs: null, isWhole: true };
    user.jobs.set(jobId, kept);
    this.#unendedJobs += 1;
    return kept;
  }

  #floorAfter(user: User | null): number {
    return Math.max(this.#floorSeq, user?.givenSeq ?? 0) + 1;
  }

  #leaveOut(kept: Kept): void {
    if (kept.job.ended === null) this.#unendedJobs -= 1;
    else this.#endedJobs -= 1;
    this.#openPhotos -= kept.isWhole ? kept.job.tally.active : 0;
    this.#ended.delete(kept);
    this.#quiet.leave(kept);
    this.#orders.forget(kept.job);
  }
}
