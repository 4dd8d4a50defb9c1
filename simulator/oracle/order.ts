import type { Shown } from "./client-record.ts";
import type { Fault } from "./findings.ts";

type Found = (fault: Fault, what: string) => void;

/**
 * What one client must be told before what, beyond ids that rise: an attempt begins before anything else of it, and once;
 * a job ends after its photos.
 */
export class Order {
  readonly #found: Found;
  /** Of photos (`jobId/photoId`), the newest attempt that was told to have begun. */
  readonly #begun = new Map<string, number>();
  /** Ends of jobs among what is told of the past, where a photo may stand as it was before. */
  readonly #ended = new Map<string, Shown>();

  constructor(found: Found) {
    this.#found = found;
  }

  /** A new story begins, in which what has begun is told again. */
  clear(): void {
    this.#begun.clear();
    this.#ended.clear();
  }

  /** `view`: the last of each photo and job so far; `isLive`: the client has all that was told before. */
  shown(message: Shown, key: string, view: ReadonlyMap<string, Shown>, isLive: boolean): void {
    const { type, id, photoId, attempt = 1 } = message;
    const begun = this.#begun.get(key) ?? 0;
    if (type === "upload_started") {
      if (attempt <= begun) this.#found("repeated", `upload_started of ${key}, attempt ${attempt}, in ${id}`);
      this.#begun.set(key, Math.max(begun, attempt));
    } else if (photoId !== undefined && attempt > begun) {
      const what = `${type} of ${key}, attempt ${attempt}, in ${id}`;
      this.#found("disordered", `${what} before its upload_started`);
    } else if (type === "job_completed") {
      if (isLive) this.#checkEnd(message, view);
      else this.#ended.set(key, message);
    }
  }

  /** All that was told before has come. */
  caughtUp(view: ReadonlyMap<string, Shown>): void {
    for (const end of this.#ended.values()) this.#checkEnd(end, view);
    this.#ended.clear();
  }

  #checkEnd(end: Shown, view: ReadonlyMap<string, Shown>): void {
    for (const [key, { jobId, photoId, type, id }] of view) {
      const isOpen = photoId !== undefined && type !== "upload_completed" && type !== "upload_failed";
      // A photo of which more is told after its job's end may be under way once more.
      if (!isOpen || jobId !== end.jobId || !isBefore(id, end.id)) continue;
      this.#found("disordered", `the end of ${jobId} in ${end.id} before that of ${key}, open in ${id}`);
    }
  }
}

/** False: of different epochs, or not. */
function isBefore(id: string, other: string): boolean {
  const [epoch, seq] = id.split("-");
  const [otherEpoch, otherSeq] = other.split("-");
  return epoch === otherEpoch && Number(seq) < Number(otherSeq);
}
