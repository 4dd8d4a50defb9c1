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
  /** Photos whose newest state waits for its interval; null: the job itself. */
  readonly held = new Set<string | null>();
  /** The earliest time at which the job is queued to be looked at; null: it isn't. */
  lookAtMs: number | null = null;
  isBusy = false;
  #tellings: Telling[] = [];
  /** Of `held`, what may be shown now. */
  #ripe: (string | null)[] = [];
  #isLookDue = false;

  constructor(userId: string, jobId: string) {
    this.userId = userId;
    this.jobId = jobId;
  }

  get isIdle(): boolean {
    return !this.isBusy && !this.hasWork && this.held.size === 0 && this.lookAtMs === null;
  }

  get hasWork(): boolean {
    return this.#tellings.length > 0 || this.#ripe.length > 0 || this.#isLookDue;
  }

  tell(telling: Telling): void {
    this.#tellings.push(telling);
  }

  ripen(photoId: string | null): void {
    this.#ripe.push(photoId);
  }

  look(): void {
    this.#isLookDue = true;
  }

  /** All that waits. */
  take(): Work {
    const work = { tellings: this.#tellings, ripe: this.#ripe, isLook: this.#isLookDue };
    this.#tellings = [];
    this.#ripe = [];
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
