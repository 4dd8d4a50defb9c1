import type { Draft } from "../../domain/draft.ts";
import type { Job } from "../../domain/job.ts";
import type { OutMessage } from "../contract.ts";
import type { Committer } from "../store.ts";
import type { Kept, User } from "./state.ts";

/** A commit that nothing stands against. */
export interface Sealed {
  readonly draft: Draft;
  readonly user: User;
  /** As it was before; null: the job is new. */
  readonly kept: Kept | null;
  readonly messages: readonly OutMessage[];
  /** An ended job that goes to make room. */
  readonly evicted: Kept | null;
  readonly committer: Committer;
}

/** Commits that are made as one. */
export class Group {
  readonly sealed: Sealed[] = [];
  /** Jobs that are changed, or (null) go. */
  readonly #touched = new Map<Kept, Draft | null>();
  /** Jobs that were not there before. User ids hold no control characters. */
  readonly #new = new Set<string>();
  /** Of each user, less those that go for them. */
  readonly #added = new Map<string, number>();

  add(sealed: Sealed): void {
    const { draft, kept, evicted } = sealed;
    this.sealed.push(sealed);
    if (kept === null) this.#new.add(keyOf(draft));
    else this.#touched.set(kept, draft);
    if (evicted !== null) this.#touched.set(evicted, null);
    else if (kept === null) this.#added.set(draft.userId, this.addedOf(draft.userId) + 1);
  }

  /** `kept`: the job as it is; null: there is none yet. */
  touches(job: Pick<Job, "userId" | "jobId">, kept: Kept | null): boolean {
    return kept === null ? this.#new.has(keyOf(job)) : this.#touched.has(kept);
  }

  /** It has ended, if only by this group, and stays as it is. */
  mayGo(kept: Kept): boolean {
    const touched = this.#touched.get(kept);
    return touched === undefined ? kept.job.ended !== null : touched !== null && touched.ended !== null;
  }

  addedOf(userId: string): number {
    return this.#added.get(userId) ?? 0;
  }
}

function keyOf({ userId, jobId }: Pick<Job, "userId" | "jobId">): string {
  return `${userId}\n${jobId}`;
}
