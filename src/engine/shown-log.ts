import type { Job } from "../domain/job.ts";
import type { Photo } from "../domain/photo-view.ts";

/** One thing that was shown: a job's message, a photo's `upload_started`, or its newest message. */
export interface ShownEntry {
  readonly seq: number;
  readonly job: Job;
  /** null: the job's own message. */
  readonly photo: Photo | null;
  readonly part: "started" | "last";
}

const COMPACT_FROM = 64;

/**
 * What was shown to one user, by `seq`. A thing shown again stands at its new place; the old entry is dead, skipped by
 * readers and swept when more than half are: O(1) to append, memory within twice of what is alive.
 */
export class ShownLog {
  #entries: ShownEntry[] = [];
  #sweepAt = COMPACT_FROM;

  append(entry: ShownEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length < this.#sweepAt) return;
    this.sweep();
    this.#sweepAt = Math.max(COMPACT_FROM, 2 * this.#entries.length);
  }

  /** The living entries after `seq`, in order. */
  *after(seq: number): Generator<ShownEntry> {
    const entries = this.#entries;
    for (let index = this.#firstAfter(seq); index < entries.length; index += 1) {
      const entry = entries[index];
      if (entry !== undefined && isAlive(entry)) yield entry;
    }
  }

  sweep(): void {
    this.#entries = this.#entries.filter(isAlive);
  }

  #firstAfter(seq: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.seq ?? Number.POSITIVE_INFINITY) <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isAlive({ seq, job, photo, part }: ShownEntry): boolean {
  if (photo === null) return job.shown?.last.seq === seq;
  return photo.shown?.[part].seq === seq;
}
