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
  /**
   * By photo that was under way when the end of its job came, what to say of it. Right only where what became of it is merged
   * with what was told later, to who is behind: such a one is told `synced` after it.
   */
  readonly #open = new Map<string, { readonly attempt: number; readonly what: string }>();

  constructor(found: Found) {
    this.#found = found;
  }

  /** A new story begins, in which what has begun is told again. */
  clear(): void {
    this.#begun.clear();
    this.#open.clear();
  }

  /** `view`: the last of each photo and job so far, this one included. */
  shown(message: Shown, key: string, view: ReadonlyMap<string, Shown>): void {
    const { type, id, photoId, attempt = 1 } = message;
    if (type === "job_completed") this.#noteOpen(message, view);
    if (photoId === undefined) return;
    if (attempt > (this.#open.get(key)?.attempt ?? attempt)) this.#open.delete(key);
    const begun = this.#begun.get(key) ?? 0;
    if (type === "upload_started") {
      if (attempt <= begun) this.#found("repeated", `upload_started of ${key}, attempt ${attempt}, in ${id}`);
      this.#begun.set(key, Math.max(begun, attempt));
    } else if (attempt > begun) {
      const what = `${type} of ${key}, attempt ${attempt}, in ${id}`;
      this.#found("disordered", `${what} before its upload_started`);
    }
  }

  /** All that was told to who was behind has come. */
  caughtUp(): void {
    this.#open.clear();
  }

  /** Photos that did not end before their job. */
  get unended(): readonly string[] {
    return [...this.#open.values()].map(({ what }) => what);
  }

  #noteOpen({ id, jobId }: Shown, view: ReadonlyMap<string, Shown>): void {
    for (const [key, shown] of view) {
      const isOpen = shown.type === "upload_started" || shown.type === "upload_progress";
      if (shown.jobId !== jobId || !isOpen) continue;
      const what = `the end of ${jobId} in ${id} before that of ${key}, open in ${shown.id}`;
      this.#open.set(key, { attempt: shown.attempt ?? 1, what });
    }
  }
}
