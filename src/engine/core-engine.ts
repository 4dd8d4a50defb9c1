import { nextJobDeadline, nextPhotoDeadline, photoLapse } from "../domain/deadlines.ts";
import { type DomainEvent, isPhotoEvent } from "../domain/events.ts";
import { applyEvent, expirePhoto, failOpenPhotos, type Job, stallPhoto } from "../domain/job.ts";
import { endStatusOf, isEndShown, isJobNews, jobViewOf } from "../domain/job-view.ts";
import { dueOf, type Photo } from "../domain/photo-view.ts";
import type { Rules } from "../domain/rules.ts";
import { HubError } from "../errors.ts";
import { Admission, type Limits } from "./admission.ts";
import { Agenda, earliest, type Waiting } from "./agenda.ts";
import type { Clock } from "./clock.ts";
import { showAtMs } from "./conflation.ts";
import type {
  Engine,
  LiveSource,
  OpenOptions,
  OutMessage,
  Page,
  PublishResult,
  ReadQuery,
  Receiver,
  Rejection,
  Sink,
  Subscription,
} from "./contract.ts";
import { Feed } from "./feed.ts";
import { MemoryStore } from "./memory-store.ts";
import { Reader } from "./reader.ts";
import { Router } from "./router.ts";
import { type Now, Shower } from "./shower.ts";
import { ShownCounts } from "./shown-counts.ts";

export interface CoreEngineOptions {
  readonly clock: Clock;
  readonly rules: Rules;
  readonly limits: Limits;
  /** Least time between two messages of a photo, of a job; 0: every change is shown. */
  readonly photoIntervalMs: number;
  readonly jobIntervalMs: number;
  /** How long an ended job is kept, and how long snapshots show it. */
  readonly retentionMs: number;
  readonly recentMs: number;
  /** Unix milliseconds at which the numbers of messages begin; absent: now. */
  readonly startMs?: number;
}

export interface EngineStats {
  readonly jobs: number;
  readonly openPhotos: number;
  readonly users: number;
  /** Messages shown, and states that a newer one replaced before they were. */
  readonly shown: number;
  readonly shownCounts: ShownCounts;
  readonly conflated: number;
  /** Events that told of more bytes than there are. */
  readonly anomalies: number;
  /** Entries of the queues: states held back, deadlines. */
  readonly queued: number;
}

/** Timers fire on whole steps of this, so that what falls due together goes out together. */
const TICK_MS = 5;

/**
 * The state of all users and the way of an event through it:
 * admit -> merge -> show what is due, hold back the rest -> route. One timer serves intervals, stalls, expiry, ends
 * and retention.
 */
export class CoreEngine implements Engine, LiveSource {
  readonly #options: CoreEngineOptions;
  readonly #store: MemoryStore;
  readonly #shower: Shower;
  readonly #reader: Reader;
  readonly #admission: Admission;
  readonly #router = new Router();
  readonly #shown = new ShownCounts();
  readonly #agenda = new Agenda();
  /** Ended jobs, in the order of their ends. */
  readonly #ended = new Set<Job>();
  /** Messages of the flush under way, by user. */
  #outbox = new Map<string, OutMessage[]>();
  #timer: { readonly atMs: number; readonly cancel: () => void } | null = null;
  #photoIntervalMs: number;
  #jobIntervalMs: number;
  #openPhotos = 0;
  #jobs = 0;
  #anomalies = 0;
  #closed = false;

  constructor(options: CoreEngineOptions) {
    this.#options = options;
    this.#photoIntervalMs = options.photoIntervalMs;
    this.#jobIntervalMs = options.jobIntervalMs;
    this.#store = new MemoryStore(options.startMs ?? options.clock.unixMs());
    this.#shower = new Shower(this.#store.epoch);
    this.#reader = new Reader(this.#store, this.#shower, options.recentMs);
    this.#admission = new Admission(this.#store, options.limits);
  }

  get stats(): EngineStats {
    return {
      jobs: this.#jobs,
      openPhotos: this.#openPhotos,
      users: this.#store.userCount,
      shown: this.#shown.total,
      shownCounts: this.#shown,
      conflated: this.#agenda.conflated,
      anomalies: this.#anomalies,
      queued: this.#agenda.size,
    };
  }

  async publish(events: readonly DomainEvent[]): Promise<PublishResult> {
    if (this.#closed) throw new HubError("draining", undefined, 1);
    const now = this.#now();
    const rejected: Rejection[] = [];
    const touched = new Map<Job, Set<Photo>>();
    const owners = this.#admission.ownersIn(events);
    const unchangedAt: number[] = [];
    for (const [index, event] of events.entries()) {
      const admitted = this.#admission.admit(event, owners, this.#openPhotos);
      if ("code" in admitted) {
        rejected.push({ index, id: event.id, code: admitted.code, message: admitted.message });
        continue;
      }
      if (admitted.evicted !== null) this.#drop(admitted.evicted);
      const isNewJob = admitted.job === null;
      const job = admitted.job ?? this.#addJob(admitted.userId, event.jobId, now);
      if (!this.#apply(job, event, now, touched) && !isNewJob) unchangedAt.push(index);
    }
    for (const [job, photos] of touched) this.#flush(job, photos, now);
    this.#deliver();
    const accepted = events.length - unchangedAt.length - rejected.length;
    return { accepted, unchanged: unchangedAt.length, unchangedAt, rejected };
  }

  open(userId: string, options: OpenOptions, sink: Sink): Subscription {
    const feed = new Feed(
      (query) => this.read(query),
      userId,
      options,
      sink,
      (closed) => this.#router.unwatch(userId, closed),
    );
    this.#router.watch(userId, feed);
    feed.start();
    return feed;
  }

  watch(userId: string, receiver: Receiver): void {
    this.#router.watch(userId, receiver);
  }

  unwatch(userId: string, receiver: Receiver): void {
    this.#router.unwatch(userId, receiver);
  }

  async read(query: ReadQuery): Promise<Page> {
    return this.#reader.page(query, this.#now());
  }

  async jobs(userId: string, jobId: string | null): Promise<readonly OutMessage[]> {
    return this.#reader.jobs(userId, jobId, this.#now());
  }

  /**
   * Forgets all state of the user; gives how many jobs that were. Whoever is connected gets a snapshot of what is left,
   * and so does whoever comes back with an id from before.
   */
  forget(userId: string): number {
    const jobs = this.#store.dropUser(userId);
    for (const job of jobs) this.#leaveOut(job);
    this.#agenda.sweep();
    this.#router.resync(userId);
    return jobs.length;
  }

  health(): { readonly ready: boolean; readonly reason: string | null } {
    return this.#closed ? { ready: false, reason: "closed" } : { ready: true, reason: null };
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #addJob(userId: string, jobId: string, now: Now): Job {
    this.#jobs += 1;
    return this.#store.addJob(userId, jobId, now.monotonicMs);
  }

  /** Gives whether the event told anything new. */
  #apply(job: Job, event: DomainEvent, now: Now, touched: Map<Job, Set<Photo>>): boolean {
    const activeBefore = job.tally.active;
    const applied = applyEvent(job, event, now.monotonicMs);
    this.#openPhotos += job.tally.active - activeBefore;
    if (applied.anomaly) this.#anomalies += 1;
    const photos = touched.get(job) ?? new Set();
    touched.set(job, photos);
    for (const photo of applied.touched) photos.add(photo);
    if (isPhotoEvent(event)) this.#schedulePhoto(job, job.photos.get(event.photoId) ?? null);
    return applied.changed;
  }

  /** Shows what a job has to show after its events were merged, and sets its next deadline. */
  #flush(job: Job, photos: Iterable<Photo>, now: Now): void {
    // An ended job may have been dropped by a later event of its own batch, to make room.
    if (!this.#isKept(job)) return;
    for (const photo of photos) this.#showPhoto(job, photo, now);
    const endsAtMs = nextJobDeadline(job, this.#options.rules);
    if (endsAtMs !== null && endsAtMs <= now.monotonicMs) this.#endJob(job, now);
    this.#showJob(job, now);
    this.#scheduleJob(job);
  }

  #endJob(job: Job, now: Now): void {
    this.#openPhotos -= job.tally.active;
    for (const photo of failOpenPhotos(job, now.monotonicMs)) this.#showPhoto(job, photo, now);
    job.ended = { status: endStatusOf(job), atMs: now.monotonicMs };
    this.#ended.add(job);
    this.#arm();
  }

  #showPhoto(job: Job, photo: Photo, now: Now): void {
    const due = dueOf(photo);
    const user = this.#store.user(job.userId);
    if (due === null || user === null) return;
    const lastAtMs = photo.shown?.lastAtMs ?? null;
    const atMs = showAtMs(due.urgent, lastAtMs, this.#photoIntervalMs, now.monotonicMs);
    if (atMs > now.monotonicMs) {
      this.#holdBack({ job, photo }, atMs);
      return;
    }
    this.#post(job.userId, this.#shower.showPhoto(user, job, photo, due, now));
  }

  #showJob(job: Job, now: Now): void {
    const user = this.#store.user(job.userId);
    if (user === null || (job.shown !== null && isEndShown(job.shown.view))) return;
    const view = jobViewOf(job);
    if (job.shown !== null && !isJobNews(job.shown.view, view)) return;
    const lastAtMs = job.shown?.lastAtMs ?? null;
    const atMs = showAtMs(isEndShown(view), lastAtMs, this.#jobIntervalMs, now.monotonicMs);
    if (atMs > now.monotonicMs) {
      this.#holdBack({ job, photo: null }, atMs);
      return;
    }
    this.#post(job.userId, [this.#shower.showJob(user, job, view, now)]);
  }

  #holdBack(waiting: Waiting, atMs: number): void {
    if (this.#agenda.holdBack(waiting, atMs)) this.#arm();
  }

  #schedulePhoto(job: Job, photo: Photo | null): void {
    if (photo === null) return;
    const atMs = nextPhotoDeadline(photo, this.#options.rules);
    if (this.#agenda.schedule({ job, photo }, atMs)) this.#arm();
  }

  #scheduleJob(job: Job): void {
    const atMs = nextJobDeadline(job, this.#options.rules);
    if (this.#agenda.schedule({ job, photo: null }, atMs)) this.#arm();
  }

  /** Shows what waits for its interval; from now on nothing is held back. */
  showHeldBack(): void {
    this.#photoIntervalMs = 0;
    this.#jobIntervalMs = 0;
    this.#showDue(Number.POSITIVE_INFINITY, this.#now());
    this.#deliver();
  }

  #showDue(untilMs: number, now: Now): void {
    for (const { job, photo } of this.#agenda.takeHeldBack(untilMs)) {
      if (!this.#isKept(job)) continue;
      if (photo === null) this.#showJob(job, now);
      else this.#showPhoto(job, photo, now);
    }
  }

  #tick(): void {
    const now = this.#now();
    this.#showDue(now.monotonicMs, now);
    const lapsing: Now = { ...now, byHub: true };
    for (const { job, photo } of this.#agenda.takeLapsed(now.monotonicMs)) {
      if (photo === null) this.#flush(job, [], lapsing);
      else this.#lapsePhoto(job, photo, lapsing);
    }
    this.#dropExpired(now);
    this.#deliver();
    this.#arm();
  }

  #lapsePhoto(job: Job, photo: Photo, now: Now): void {
    const lapse = photoLapse(photo, now.monotonicMs, this.#options.rules);
    if (lapse === "stalled") stallPhoto(photo);
    if (lapse === "expired") {
      expirePhoto(job, photo, now.monotonicMs);
      this.#openPhotos -= 1;
    }
    this.#flush(job, [photo], now);
    this.#schedulePhoto(job, photo);
  }

  /** Jobs end in the order in which they are to be forgotten. */
  #dropExpired(now: Now): void {
    for (const job of this.#ended) {
      if (this.#retainedUntilMs(job) > now.monotonicMs) return;
      this.#drop(job);
    }
  }

  #retainedUntilMs(job: Job): number {
    return (job.ended?.atMs ?? Number.POSITIVE_INFINITY) + this.#options.retentionMs;
  }

  #drop(job: Job): void {
    this.#store.dropJob(job);
    this.#leaveOut(job);
    this.#agenda.sweep();
  }

  /** Counts a job no more that the store has dropped, and waits for nothing of it. */
  #leaveOut(job: Job): void {
    this.#openPhotos -= job.tally.active;
    this.#jobs -= 1;
    this.#ended.delete(job);
    this.#agenda.leaveOut(job);
  }

  #isKept(job: Job): boolean {
    return this.#store.job(job.userId, job.jobId) === job;
  }

  #post(userId: string, messages: readonly OutMessage[]): void {
    const waiting = this.#outbox.get(userId);
    if (waiting === undefined) this.#outbox.set(userId, [...messages]);
    else waiting.push(...messages);
  }

  #deliver(): void {
    const outbox = this.#outbox;
    if (outbox.size === 0) return;
    this.#outbox = new Map();
    const nowMs = this.#options.clock.monotonicMs();
    for (const [userId, messages] of outbox) {
      this.#shown.count(messages, nowMs);
      this.#router.deliver(userId, messages);
    }
  }

  #arm(): void {
    if (this.#closed) return;
    const [oldestEnded] = this.#ended;
    const forgetMs = oldestEnded === undefined ? null : this.#retainedUntilMs(oldestEnded);
    const nextMs = earliest(this.#agenda.nextAtMs, forgetMs);
    if (nextMs === null) return;
    const atMs = Math.ceil(nextMs / TICK_MS) * TICK_MS;
    if (this.#timer !== null && this.#timer.atMs <= atMs) return;
    this.#timer?.cancel();
    const delayMs = Math.max(1, Math.ceil(atMs - this.#options.clock.monotonicMs()));
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#timer = null;
      this.#tick();
    });
    this.#timer = { atMs, cancel };
  }

  #now(): Now {
    return {
      monotonicMs: this.#options.clock.monotonicMs(),
      unixMs: this.#options.clock.unixMs(),
      byHub: false,
    };
  }
}
