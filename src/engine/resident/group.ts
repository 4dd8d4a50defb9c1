import type { Draft } from "../../domain/draft.ts";
import type { Job } from "../../domain/job.ts";
import type { OutMessage } from "../contract.ts";
import type { Outcome } from "../store.ts";
import type { Kept } from "./state.ts";

/** A commit that nothing stands against. */
export interface Sealed {
  readonly draft: Draft;
  readonly messages: readonly OutMessage[];
  /** An ended job that goes to make room. */
  readonly evicted: Kept | null;
  readonly done: (outcome: Outcome) => void;
  readonly failed: (error: unknown) => void;
}

/** Commits that are made as one. */
export class Group {
  readonly sealed: Sealed[] = [];
  /** Jobs that are changed, or (null) go. User ids hold no control characters. */
  readonly #touched = new Map<string, Draft | null>();
  /** Jobs added, less those that go for them. */
  readonly #added = new Map<string, number>();

  add(sealed: Sealed): void {
    const { draft, evicted } = sealed;
    this.sealed.push(sealed);
    this.#touched.set(keyOf(draft), draft);
    if (evicted !== null) this.#touched.set(keyOf(evicted.job), null);
    else if (draft.version === 0) this.#added.set(draft.userId, this.addedOf(draft.userId) + 1);
  }

  touches(job: Pick<Job, "userId" | "jobId">): boolean {
    return this.#touched.has(keyOf(job));
  }

  /** It has ended, if only by this group, and stays as it is. */
  mayGo(job: Job): boolean {
    const touched = this.#touched.get(keyOf(job));
    return touched === undefined ? job.ended !== null : touched !== null && touched.ended !== null;
  }

  addedOf(userId: string): number {
    return this.#added.get(userId) ?? 0;
  }
}

function keyOf({ userId, jobId }: Pick<Job, "userId" | "jobId">): string {
  return `${userId}\n${jobId}`;
}
