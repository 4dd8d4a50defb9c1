import type { DomainEvent } from "../domain/events.ts";
import type { Rejection } from "./contract.ts";

/** An event, and its position in what was published with it. */
export interface Placed {
  readonly index: number;
  readonly event: DomainEvent;
}

/** What became of the events of one call. */
export interface Told {
  readonly unchangedAt: readonly number[];
  readonly rejected: readonly Rejection[];
}

/** Events of one call that wait for their turn. */
export interface Telling {
  readonly placed: readonly Placed[];
  readonly resolve: (told: Told) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The work of one job, which is done in order and one piece at a time: what is told while a commit is under way is
 * merged after it, all at once.
 */
export class Lane {
  readonly userId: string;
  readonly jobId: string;
  /** The earliest time at which the job is queued to be looked at; null: it isn't. */
  lookAtMs: number | null = null;
  isBusy = false;
  /** Of the call that is being taken, what is for this job; null: nothing. */
  gathered: Placed[] | null = null;
  // null where there is nothing, which is most of the time: each open job has a lane.
  #tellings: Telling[] | null = null;
  /** Photos whose newest state waits for its interval; null among them: the job itself. */
  #held: Set<string | null> | null = null;
  /** Of those that were held, what may be shown now. */
  #ripe: (string | null)[] | null = null;
  #isLookDue = false;
  #whenIdle: (() => void)[] | null = null;

  constructor(userId: string, jobId: string) {
    this.userId = userId;
    this.jobId = jobId;
  }

  get isIdle(): boolean {
    return !this.isBusy && !this.hasWork && this.#held === null && this.lookAtMs === null;
  }

  get hasWork(): boolean {
    return this.#tellings !== null || this.#ripe !== null || this.#isLookDue;
  }

  /** Called once, when the work under way is done. */
  whenIdle(callback: () => void): void {
    this.#whenIdle ??= [];
    this.#whenIdle.push(callback);
  }

  /** The work is done. */
  rest(): void {
    this.isBusy = false;
    const callbacks = this.#whenIdle ?? [];
    this.#whenIdle = null;
    for (const callback of callbacks) callback();
  }

  tell(telling: Telling): void {
    // An array that is made with one element has room for that one, and not for 17.
    if (this.#tellings === null) this.#tellings = [telling];
    else this.#tellings.push(telling);
  }

  holds(photoId: string | null): boolean {
    return this.#held?.has(photoId) ?? false;
  }

  /** False: it is held already. */
  hold(photoId: string | null): boolean {
    if (this.holds(photoId)) return false;
    this.#held ??= new Set();
    this.#held.add(photoId);
    return true;
  }

  /** False: it isn't held any more. */
  release(photoId: string | null): boolean {
    const wasHeld = this.#held?.delete(photoId) ?? false;
    if (this.#held?.size === 0) this.#held = null;
    return wasHeld;
  }

  releaseAll(): void {
    this.#held = null;
  }

  ripen(photoId: string | null): void {
    this.#ripe ??= [];
    this.#ripe.push(photoId);
  }

  look(): void {
    this.#isLookDue = true;
  }

  /** All that waits. */
  take(): Work {
    const work = { tellings: this.#tellings ?? [], ripe: this.#ripe ?? [], isLook: this.#isLookDue };
    this.#tellings = null;
    this.#ripe = null;
    this.#isLookDue = false;
    return work;
  }
}

/** One piece of work on a job. */
export interface Work {
  readonly tellings: readonly Telling[];
  readonly ripe: readonly (string | null)[];
  /** What silence has done is to be looked at, in the whole job. */
  readonly isLook: boolean;
}
