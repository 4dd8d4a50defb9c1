import { dueInRoundUs, jobIdOf, photoNumber, roundDueAt, type Steady } from "../schedule/steady.ts";
import { Numbering } from "./numbering.ts";

// What one client was shown, held against what was sent. Every message has a fate, and what has none is a finding.

/** A photo or job message, as far as it is looked into; or a control message, which has no id. */
export interface Received {
  readonly type: string;
  readonly id?: string;
  readonly jobId?: string;
  readonly photoId?: string;
  readonly bytesTransferred?: number;
  readonly stalled?: boolean;
  readonly attempt?: number;
  readonly status?: string;
  readonly totalBytes?: number | null;
  /** Of a job. */
  readonly photos?: { readonly total: number; readonly completed: number; readonly failed: number };
}

export interface Sample {
  /** `leading`: shown at once. `trailing`: held back by conflation. `ending`: of a photo. */
  readonly kind: "leading" | "trailing" | "ending";
  /** When the newest event in the message was due, in microseconds of the run. */
  readonly dueUs: number;
}

/** Numbers of things that must not be. */
export interface AuditCounts {
  /** Endings that never came, and messages between two that did. */
  lost: number;
  /** Events that were not shown each, where each was far enough from the next: a newer one came to be shown in its place. */
  merged: number;
  /** Messages of somebody else's job, or of what nobody sent. */
  foreign: number;
  /** Messages that come after a later one, or that take a photo back. */
  disordered: number;
  /** The same message again, or what it tells. */
  duplicate: number;
}

export const NO_FINDINGS: Readonly<AuditCounts> = {
  lost: 0,
  merged: 0,
  foreign: 0,
  disordered: 0,
  duplicate: 0,
};

export function addFindings(left: Readonly<AuditCounts>, right: Readonly<AuditCounts>): AuditCounts {
  return {
    lost: left.lost + right.lost,
    merged: left.merged + right.merged,
    foreign: left.foreign + right.foreign,
    disordered: left.disordered + right.disordered,
    duplicate: left.duplicate + right.duplicate,
  };
}

export interface AuditRules {
  /** Shown at most once in so many milliseconds; what comes sooner was held back. */
  readonly photoIntervalMs: number;
  readonly jobIntervalMs: number;
  /**
   * Of a user's messages, each has the next number, so that a gap is a loss; and what is shown is merged first, so that
   * an event that was not shown need not be one. False: each event is one message, and none may be missing.
   */
  readonly isDense: boolean;
  /** With Redis, where the numbers of a user begin is known with the first message: a jump before it is no gap. */
  readonly isFirstAnywhere?: boolean;
  /** Who reads for itself what it may have missed leaves out what is not the newest: a gap is merged then, and no loss. */
  readonly maySkip?: boolean;
}

/** What one client is shown of its user's part in a load, held against what was sent. */
export interface ClientAudit {
  readonly counts: AuditCounts;
  /** The end of the job and of each of its photos was shown. */
  readonly isFinished: boolean;
  /** It was connected, and had everything up to this id, before this load began. */
  connected(lastId: string | null): void;
  /** The connection is gone; what comes next is what `since` gives. */
  disconnected(): void;
  /** Null: not a sample of how long an event took. */
  take(message: Received, nowUs: number): Sample | null;
  /** When all has had time to arrive. `isEachShown`: no event is near enough to another to be merged with it. */
  finish(isEachShown: boolean): void;
}

const DONE = Number.MAX_SAFE_INTEGER;

/** Of one client, of one steady load. Reconnects are told to it: what a snapshot tells again is no duplicate. */
export class Audit implements ClientAudit {
  readonly counts: AuditCounts = { ...NO_FINDINGS };
  readonly #steady: Steady;
  readonly #rules: AuditRules;
  readonly #numbering: Numbering;
  readonly #place: number;
  readonly #jobId: string;
  /** By photo: bytes shown last; DONE once it has completed. */
  readonly #shown: Float64Array;
  /** By photo: when it was shown last, in microseconds of the run. */
  readonly #shownAtUs: Float64Array;
  /** Photos that have not completed. */
  #open: number;
  #isJobDone = false;
  #jobShownAtUs = Number.NEGATIVE_INFINITY;
  /** The job's bytes after so many rounds: walks along with what is shown. */
  #jobRound = 0;
  #jobBytes = 0;
  /** Events due before are of the warm-up, when one may be merged with the next. */
  readonly #fromUs: number;
  /** Progress events shown, each once; and those of them that are not of the warm-up. */
  #events = 0;
  #measured = 0;
  #isWhole = true;

  /** `place`: of the user in a round. */
  constructor(steady: Steady, user: number, place: number, rules: AuditRules, fromUs = 0) {
    this.#steady = steady;
    this.#rules = rules;
    this.#place = place;
    this.#fromUs = fromUs;
    this.#jobId = jobIdOf(steady.run, user, steady.name);
    this.#numbering = new Numbering(rules, this.counts);
    this.#open = steady.photosPerUser;
    this.#shown = new Float64Array(steady.photosPerUser).fill(-1);
    this.#shownAtUs = new Float64Array(steady.photosPerUser).fill(Number.NEGATIVE_INFINITY);
  }

  /** It was connected, and had everything up to this id, before this load began. */
  connected(lastId: string | null): void {
    this.#numbering.synced(lastId);
  }

  /** The connection is gone; what comes next is what `since` gives. */
  disconnected(): void {
    this.#numbering.disconnected();
    this.#isWhole = false;
  }

  /** Null: not a sample of how long an event took. */
  take(message: Received, nowUs: number): Sample | null {
    if (message.id === undefined) return null;
    if (message.type === "synced") {
      this.#numbering.synced(message.id);
      return null;
    }
    const order = this.#numbering.orderOf(message.id);
    // Another job of this user is one of an earlier load.
    if (order === "again" || message.jobId !== this.#jobId) return null;
    if (order === "late") this.#late(message);
    else if (message.photoId === undefined) return this.#job(message, nowUs);
    else return this.#photo(message, message.photoId, nowUs);
    return null;
  }

  /** Nothing is to be waited for: all endings were shown, or the last message was, before which the others were lost. */
  get isFinished(): boolean {
    return this.#isJobDone && this.#open <= this.#numbering.missing;
  }

  /** When all has had time to arrive. `isEachShown`: no event is near enough to another to be merged with it. */
  finish(isEachShown: boolean): void {
    const { counts } = this;
    const jobEnding = this.#isJobDone ? 0 : 1;
    // Who was away was shown the newest states, not each.
    const isAsked = isEachShown && this.#isWhole;
    if (this.#rules.isDense) {
      const unshown = isAsked ? this.#measuredRounds() - this.#measured : 0;
      // What was passed over is counted already, and may have been these very events and endings. The job's ending is
      // the last of all: nothing comes after it by which it would be missed.
      counts.merged += Math.max(0, unshown - counts.lost);
      counts.lost = Math.max(counts.lost, this.#open) + jobEnding;
    } else counts.lost += this.#open + jobEnding + (isAsked ? this.#steady.rounds - this.#events : 0);
  }

  #measuredRounds(): number {
    let rounds = 0;
    for (let round = this.#steady.rounds - 1; round >= 0; round -= 1) {
      if (dueInRoundUs(this.#steady, this.#place, round) < this.#fromUs) break;
      rounds += 1;
    }
    return rounds;
  }

  /** `dueUs`: of an event that was shown for the first time. */
  #count(dueUs: number): void {
    this.#events += 1;
    if (dueUs >= this.#fromUs) this.#measured += 1;
  }

  /** Shown all the same, too late to be a sample. */
  #late({ type, photoId, bytesTransferred = 0, stalled }: Received): void {
    if (photoId === undefined) {
      if (type === "job_completed") this.#isJobDone = true;
      return;
    }
    const photo = photoNumber(photoId);
    const before = this.#shown[photo];
    if (before === undefined) this.counts.foreign += 1;
    else if (type === "upload_completed") this.#complete(photo, before);
    else if (type !== "upload_started" && stalled !== true) {
      if (this.#isSent(photo, bytesTransferred)) this.#count(bytesTransferred);
      else this.counts.foreign += 1;
      this.#shown[photo] = Math.max(before, bytesTransferred);
    }
  }

  #complete(photo: number, before: number): void {
    this.#shown[photo] = DONE;
    if (before !== DONE) this.#open -= 1;
  }

  /** An event of this photo was due then. */
  #isSent(photo: number, bytes: number): boolean {
    const round = roundDueAt(this.#steady, this.#place, bytes);
    return round !== null && round % this.#steady.photosPerUser === photo;
  }

  #photo({ type, bytesTransferred = 0, stalled }: Received, photoId: string, nowUs: number): Sample | null {
    const photo = photoNumber(photoId);
    const before = this.#shown[photo];
    if (before === undefined) {
      this.counts.foreign += 1;
      return null;
    }
    const heldUs = (this.#shownAtUs[photo] ?? 0) + this.#rules.photoIntervalMs * 1_000;
    this.#shownAtUs[photo] = nowUs;
    if (type === "upload_completed") {
      this.#complete(photo, before);
      if (before === DONE && this.#numbering.isLive) this.counts.duplicate += 1;
      if (before === DONE || !this.#numbering.isLive) return null;
      const { rounds } = this.#steady;
      return { kind: "ending", dueUs: dueInRoundUs(this.#steady, this.#place, rounds + photo) };
    }
    // The start tells the bytes that the first progress tells again.
    if (type === "upload_started" || stalled === true) return null;
    if (!this.#numbering.isLive) {
      this.#shown[photo] = Math.max(before, bytesTransferred);
      return null;
    }
    if (!this.#isSent(photo, bytesTransferred)) {
      this.counts.foreign += 1;
      return null;
    }
    if (bytesTransferred <= before) {
      if (bytesTransferred === before) this.counts.duplicate += 1;
      else this.counts.disordered += 1;
      return null;
    }
    this.#shown[photo] = bytesTransferred;
    this.#count(bytesTransferred);
    return { kind: bytesTransferred < heldUs ? "trailing" : "leading", dueUs: bytesTransferred };
  }

  #job({ type, bytesTransferred = 0 }: Received, nowUs: number): Sample | null {
    if (type === "job_completed") {
      if (this.#isJobDone && this.#numbering.isLive) this.counts.duplicate += 1;
      this.#isJobDone = true;
      return null;
    }
    const heldUs = this.#jobShownAtUs + this.#rules.jobIntervalMs * 1_000;
    this.#jobShownAtUs = nowUs;
    const newestUs = this.#newestOf(bytesTransferred);
    if (newestUs === null || !this.#numbering.isLive) return null;
    return { kind: newestUs < heldUs ? "trailing" : "leading", dueUs: newestUs };
  }

  /** When the newest event in the job's sum was due; null: the sum is not one of rising rounds. */
  #newestOf(bytes: number): number | null {
    const { photosPerUser, rounds } = this.#steady;
    let newestUs: number | null = null;
    while (this.#jobBytes < bytes && this.#jobRound < rounds) {
      const round = this.#jobRound;
      newestUs = dueInRoundUs(this.#steady, this.#place, round);
      const replaced = round - photosPerUser;
      this.#jobBytes += newestUs - (replaced < 0 ? 0 : dueInRoundUs(this.#steady, this.#place, replaced));
      this.#jobRound += 1;
    }
    return this.#jobBytes === bytes ? newestUs : null;
  }
}
