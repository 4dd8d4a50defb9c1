import { type Draft, draftOf } from "../domain/draft.ts";
import { createJob, isQuiet, type Job } from "../domain/job.ts";
import { HubError } from "../errors.ts";
import type { Lane, Work } from "./lane.ts";
import type { Now } from "./shower.ts";
import type { Committer, Outcome, Store } from "./store.ts";
import { type Turn, type TurnOptions, takeTurn } from "./turn.ts";

/** What all work has in common, and who is told of it. */
export interface Workplace {
  readonly store: Store;
  readonly turnOptions: TurnOptions;
  /** Photos opened in drafts that are not committed yet, less those settled. */
  opening: number;
  now(): Now;
  /** It is done, and committed where it changed anything. */
  did(lane: Lane, work: Work, turn: Turn, isQuiet: boolean): void;
  /** The user has as many jobs as one may have, and none has ended: nothing is changed. */
  refused(work: Work): void;
  /** Nothing is changed. */
  failed(lane: Lane, work: Work, error: unknown): void;
  /** Called once, after one of the others, or after none where there was nothing to do. */
  ended(lane: Lane): void;
}

/** What there is before the commit, for after it. */
interface Tried {
  readonly job: Job | null;
  readonly draft: Draft;
  readonly turn: Turn;
}

/** A job that others change this often while it is tried is left to them. */
const MAX_CONFLICTS = 100;

/**
 * One piece of work on a job: load -> merge and show into a draft -> commit; again where others were quicker. By
 * callbacks: there is one for every event, and its promises would be an eighth of the garbage.
 */
export class JobWork implements Committer {
  readonly #place: Workplace;
  readonly #lane: Lane;
  readonly #work: Work;
  #round = 0;
  #opened = 0;
  #tried: Tried | null = null;

  constructor(place: Workplace, lane: Lane, work: Work) {
    this.#place = place;
    this.#lane = lane;
    this.#work = work;
  }

  begin(): void {
    const { userId, jobId } = this.#lane;
    let loaded: ReturnType<Store["load"]>;
    try {
      loaded = this.#place.store.load(userId, jobId);
    } catch (error) {
      this.failed(error);
      return;
    }
    if (loaded instanceof Promise) this.#after(loaded, (job) => this.#take(job));
    else this.#take(loaded);
  }

  committed(outcome: Outcome): void {
    this.#close();
    if (outcome === "conflict") {
      this.#round += 1;
      if (this.#round < MAX_CONFLICTS) this.begin();
      else this.failed(new HubError("overloaded", "The job is changed by others all the time.", 1));
      return;
    }
    // Of a job that is not there all was refused: nothing will ever forget whose it would have been.
    const isNothing =
      outcome === "no_room" || (this.#tried?.job === null && this.#tried.turn.isChanged === false);
    const { userId, jobId, hasWork } = this.#lane;
    if (!isNothing || hasWork) this.#end(outcome);
    else this.#after(this.#place.store.releaseJob(userId, jobId), () => this.#end(outcome));
  }

  failed(error: unknown): void {
    this.#close();
    this.#place.failed(this.#lane, this.#work, error);
    this.#place.ended(this.#lane);
  }

  #take(job: Job | null): void {
    if (job === null && this.#work.tellings.length === 0) {
      this.#place.ended(this.#lane);
      return;
    }
    this.#tried = this.#try(job);
    if (this.#tried === null) return;
    const { draft, turn } = this.#tried;
    this.#opened = draft.tally.active - (job?.tally.active ?? 0);
    this.#place.opening += this.#opened;
    if (turn.isChanged) {
      const { messages, nextAtMs: deadlineMs } = turn;
      const isDeadlineWhole = this.#work.isLook || isQuiet(draft);
      this.#place.store.commit({ draft, messages, deadlineMs, isDeadlineWhole }, this);
      return;
    }
    const isPostponed = this.#work.isLook && job !== null;
    const postponed = isPostponed ? this.#place.store.postpone(job, turn.nextAtMs) : undefined;
    if (postponed instanceof Promise) this.#after(postponed, () => this.committed("committed"));
    else this.committed("committed");
  }

  /** null: it failed. */
  #try(job: Job | null): Tried | null {
    const { store, turnOptions, opening } = this.#place;
    const { userId, jobId } = this.#lane;
    try {
      const now = this.#place.now();
      const draft = draftOf(job ?? createJob(userId, jobId, now.monotonicMs));
      const openPhotos = store.openPhotos + opening;
      const turn = takeTurn(draft, this.#work, { now, openPhotos, lane: this.#lane }, turnOptions);
      return { job, draft, turn };
    } catch (error) {
      this.failed(error);
      return null;
    }
  }

  #end(outcome: Outcome): void {
    try {
      if (outcome === "no_room") this.#place.refused(this.#work);
      else {
        if (this.#tried === null) throw new Error("committed without a try");
        const { draft, turn } = this.#tried;
        this.#place.did(this.#lane, this.#work, turn, isQuiet(draft));
      }
    } catch (error) {
      // Whoever commits others' work has to go on, and the lane as well.
      this.failed(error);
      return;
    }
    this.#place.ended(this.#lane);
  }

  #after<Value>(promise: Promise<Value>, next: (value: Value) => void): void {
    promise.then(next, (error: unknown) => this.failed(error));
  }

  /** What was opened is in the store now, or nowhere. */
  #close(): void {
    this.#place.opening -= this.#opened;
    this.#opened = 0;
  }
}
