import { MAX_NUMBER } from "./events.ts";
import { type Tenths, tenthsOf } from "./percent.ts";
import { CANCELLED, COMPLETED, FAILED, type Rank, UPLOADING } from "./photo.ts";
import { ExactSum } from "./sum.ts";

/** What one photo adds to its job. */
export interface Share {
  readonly rank: Rank;
  readonly bytes: number;
  readonly total: number | null;
}

/** What the producer said the job will hold; null: it didn't. */
export interface Declared {
  readonly photoCount: number | null;
  readonly totalBytes: number | null;
}

export interface PhotoCounts {
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly active: number;
}

export interface JobTotals {
  readonly bytes: number;
  /** The denominator of the percent; null: no photo's total is known and none was declared. */
  readonly total: number | null;
  /** null: there is nothing to count yet. Below 1000. */
  readonly tenths: Tenths | null;
  /** Photos of unknown size were taken to weigh the mean of the known. */
  readonly estimated: boolean;
  /** Bytes still to come, for the ETA; null where the percent goes by count. */
  readonly remaining: number | null;
  readonly photos: PhotoCounts;
}

/**
 * The aggregates of a job, kept by adding the change of one photo: O(1) an event (progress-rules.md 11, 12, 16).
 * Cancelled photos leave both sides; failed ones count as settled with their full weight.
 */
export class Tally {
  #active = 0;
  #cancelled = 0;
  #failed = 0;
  #completed = 0;
  readonly #bytes = new ExactSum();
  readonly #knownTotal = new ExactSum();
  readonly #knownDone = new ExactSum();
  #knownCount = 0;
  #unknownCount = 0;
  #unknownSettled = 0;

  get active(): number {
    return this.#active;
  }

  get failed(): number {
    return this.#failed;
  }

  get completed(): number {
    return this.#completed;
  }

  get cancelled(): number {
    return this.#cancelled;
  }

  get known(): number {
    return this.active + this.failed + this.completed + this.cancelled;
  }

  copy(): Tally {
    const copy = new Tally();
    copy.become(this);
    return copy;
  }

  /** Takes over what the other one counts. */
  become(other: Tally): void {
    this.#active = other.#active;
    this.#cancelled = other.#cancelled;
    this.#failed = other.#failed;
    this.#completed = other.#completed;
    this.#bytes.become(other.#bytes);
    this.#knownTotal.become(other.#knownTotal);
    this.#knownDone.become(other.#knownDone);
    this.#knownCount = other.#knownCount;
    this.#unknownCount = other.#unknownCount;
    this.#unknownSettled = other.#unknownSettled;
  }

  replace(before: Share | null, after: Share): void {
    if (before !== null) this.#apply(before, -1);
    this.#apply(after, 1);
  }

  totals(declared: Declared): JobTotals {
    const photos = this.#photos(declared.photoCount);
    const bytes = this.#bytes.value;
    const declaredTotal = declared.totalBytes;
    const known = this.#knownTotal.value;
    const mean = this.#knownCount === 0 ? 0 : known / this.#knownCount;
    // A declared sum already holds the photos nobody has announced yet.
    const missing = declaredTotal === null ? photos.total - this.known : 0;
    const unknown = this.#unknownCount + missing;
    const whole = Math.min(MAX_NUMBER, Math.max(declaredTotal ?? 0, known + mean * unknown));
    if (mean === 0 || whole === 0) {
      const total = this.#knownCount > 0 ? whole : declaredTotal;
      return { bytes, total, tenths: tenthsByCount(photos), estimated: false, remaining: null, photos };
    }
    const done = Math.min(whole, this.#knownDone.value + mean * this.#unknownSettled);
    return {
      bytes,
      total: Math.round(whole),
      tenths: tenthsOf(done, whole),
      estimated: unknown > 0,
      remaining: whole - done,
      photos,
    };
  }

  #photos(declaredCount: number | null): PhotoCounts {
    return {
      total: Math.max(declaredCount ?? 0, this.known),
      completed: this.completed,
      failed: this.failed,
      cancelled: this.cancelled,
      active: this.active,
    };
  }

  #apply(share: Share, sign: 1 | -1): void {
    this.#count(share.rank, sign);
    if (share.rank === CANCELLED) return;
    const settled = share.rank !== UPLOADING;
    this.#bytes.add(sign * share.bytes);
    if (share.total === null) {
      this.#unknownCount += sign;
      if (settled) this.#unknownSettled += sign;
      return;
    }
    this.#knownCount += sign;
    this.#knownTotal.add(sign * share.total);
    this.#knownDone.add(sign * (settled ? share.total : share.bytes));
  }

  /** Fields and no table: each job has a tally, and a table takes 200 bytes. */
  #count(rank: Rank, sign: 1 | -1): void {
    switch (rank) {
      case UPLOADING:
        this.#active += sign;
        break;
      case CANCELLED:
        this.#cancelled += sign;
        break;
      case FAILED:
        this.#failed += sign;
        break;
      case COMPLETED:
        this.#completed += sign;
        break;
    }
  }
}

function tenthsByCount({ total, completed, failed, cancelled }: PhotoCounts): Tenths | null {
  const counted = total - cancelled;
  return counted === 0 ? null : tenthsOf(completed + failed, counted);
}
