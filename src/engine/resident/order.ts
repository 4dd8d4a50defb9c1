import type { Job } from "../../domain/job.ts";
import type { Photo } from "../../domain/photo-view.ts";
import type { ShownEntry } from "../store.ts";

/** Sorting fewer than these anew each time costs nothing that one would see. */
const REMEMBER_FROM = 100;
const REMEMBERED_JOBS = 32;

/** What was shown of a job, in the order of the numbers; of large jobs remembered until they change. */
export class Orders {
  readonly #remembered = new Map<
    Job,
    { readonly version: number; readonly entries: readonly ShownEntry[] }
  >();

  of(job: Job): readonly ShownEntry[] {
    const known = this.#remembered.get(job);
    if (known?.version === job.version) return known.entries;
    const entries = orderOf(job);
    if (entries.length >= REMEMBER_FROM) this.#remember(job, entries);
    return entries;
  }

  forget(job: Job): void {
    this.#remembered.delete(job);
  }

  #remember(job: Job, entries: readonly ShownEntry[]): void {
    this.#remembered.delete(job);
    this.#remembered.set(job, { version: job.version, entries });
    if (this.#remembered.size <= REMEMBERED_JOBS) return;
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest);
      return;
    }
  }
}

/** The position of the first entry after `seq`. */
export function firstAfter(entries: readonly ShownEntry[], seq: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.seq ?? Number.POSITIVE_INFINITY) <= seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

function orderOf(job: Job): readonly ShownEntry[] {
  const entries: ShownEntry[] = [];
  for (const photo of job.photos.values()) entries.push(...entriesOf(job, photo));
  const own = jobEntry(job);
  if (own !== null) entries.push(own);
  return entries.sort((left, right) => left.seq - right.seq);
}

/** null: the job has not been shown yet. */
export function jobEntry(job: Job): ShownEntry | null {
  return job.shown === null ? null : { seq: job.shown.last.seq, job, photo: null, part: "last" };
}

function entriesOf(job: Job, photo: Photo): readonly ShownEntry[] {
  if (photo.shown === null) return [];
  const { started, last } = photo.shown;
  const first: ShownEntry = { seq: started.seq, job, photo, part: "started" };
  return last === started ? [first] : [first, { seq: last.seq, job, photo, part: "last" }];
}
