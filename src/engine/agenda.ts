import type { Job } from "../domain/job.ts";
import type { Photo } from "../domain/photo-view.ts";
import { DeadlineQueue } from "./deadline-queue.ts";

/** A photo, or (photo null) the job itself, waiting for a time. */
export interface Waiting {
  readonly job: Job;
  readonly photo: Photo | null;
}

/** Fewer stale deadlines than this are not worth a sweep. */
const SWEEP_FROM = 1_000;

/** What is to be looked at later, and when: states held back for their interval, and deadlines. Times are monotonic ms. */
export class Agenda {
  readonly #heldBack = new DeadlineQueue<Waiting>();
  readonly #deadlines = new DeadlineQueue<Waiting>();
  /** Entries of `#deadlines` that have nothing to say any more. */
  #staleDeadlines = 0;
  #conflated = 0;

  /** Entries, stale ones too. */
  get size(): number {
    return this.#heldBack.size + this.#deadlines.size;
  }

  /** Times that a state was to be held back while an older one was. */
  get conflated(): number {
    return this.#conflated;
  }

  /** null: nothing waits. */
  get nextAtMs(): number | null {
    return earliest(this.#heldBack.nextAtMs, this.#deadlines.nextAtMs);
  }

  /** False: an older state is held back already, and this one is shown in its place. */
  holdBack(waiting: Waiting, atMs: number): boolean {
    const item = itemOf(waiting);
    if (item.isShowQueued) {
      this.#conflated += 1;
      return false;
    }
    item.isShowQueued = true;
    this.#heldBack.add(atMs, waiting);
    return true;
  }

  /**
   * Deadlines mostly move later: the queued one then fires early, finds nothing due, and is queued anew. `atMs` null: there
   * is none. False: nothing was queued.
   */
  schedule(waiting: Waiting, atMs: number | null): boolean {
    const item = itemOf(waiting);
    if (atMs === null || (item.queuedDeadlineMs !== null && item.queuedDeadlineMs <= atMs)) return false;
    if (item.queuedDeadlineMs !== null) this.#staleDeadlines += 1;
    item.queuedDeadlineMs = atMs;
    this.#deadlines.add(atMs, waiting);
    this.sweep();
    return true;
  }

  /** Waits for nothing of the job any more. Sweep after the last of several. */
  leaveOut(job: Job): void {
    for (const item of [job, ...job.photos.values()]) {
      if (item.queuedDeadlineMs !== null) this.#staleDeadlines += 1;
      item.queuedDeadlineMs = null;
    }
  }

  /** Entries that a nearer one replaced, or whose job is gone, must not hold memory until their time comes. */
  sweep(): void {
    if (this.#staleDeadlines < SWEEP_FROM || this.#staleDeadlines < this.#deadlines.size / 2) return;
    this.#deadlines.keep(({ item, atMs }) => itemOf(item).queuedDeadlineMs === atMs);
    this.#staleDeadlines = 0;
  }

  /** Takes out what was held back until then; of jobs that are gone, too. */
  *takeHeldBack(untilMs: number): Generator<Waiting> {
    for (const { item } of this.#heldBack.due(untilMs)) {
      itemOf(item).isShowQueued = false;
      yield item;
    }
  }

  /** Takes out what has reached its deadline. */
  *takeLapsed(nowMs: number): Generator<Waiting> {
    for (const { item, atMs } of this.#deadlines.due(nowMs)) {
      if (itemOf(item).queuedDeadlineMs !== atMs) {
        this.#staleDeadlines -= 1;
        continue;
      }
      itemOf(item).queuedDeadlineMs = null;
      yield item;
    }
  }
}

/** The earlier of two times; null: never. */
export function earliest(left: number | null, right: number | null): number | null {
  if (left === null || right === null) return left ?? right;
  return Math.min(left, right);
}

function itemOf({ job, photo }: Waiting): Job | Photo {
  return photo ?? job;
}
