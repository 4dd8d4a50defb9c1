import type { Draft } from "../domain/draft.ts";
import type { Job } from "../domain/job.ts";
import type { MessageType } from "../domain/messages.ts";
import type { Photo, Stamp } from "../domain/photo-view.ts";
import type { OutMessage } from "./contract.ts";

/** What a store knows it says at once: a promise for each event costs as much as the answer. */
export type Awaitable<Value> = Value | Promise<Value>;

/** A message that has no number yet: the store gives it one when it commits what the message tells. */
export interface Unstamped {
  readonly type: MessageType;
  readonly jobId: string;
  /** Takes the number. */
  readonly stamp: Stamp;
  /** JSON without the opening brace and the id, which comes first. */
  readonly body: string;
  /** Of `body` in UTF-8. */
  readonly bodyBytes: number;
  readonly eventAtMs: number;
}

/** Changes of one job, to be committed as one. */
export interface Change {
  readonly draft: Draft;
  /** What it tells, in order. */
  readonly messages: readonly Unstamped[];
  /** When something is to be done next with the job, on the store's clock; null: never. */
  readonly deadlineMs: number | null;
  /** False: only what changed was looked at, and an earlier deadline of the job may still stand. */
  readonly isDeadlineWhole: boolean;
}

/**
 * `conflict`: the job is not what the draft was made from; load it and begin again. `no_room`: it would be one job too
 * many for its user, none of whom has ended. Neither changed anything.
 */
export type Outcome = "committed" | "conflict" | "no_room";

/** Told once what became of a commit, and not before the call has returned: a promise for each event would cost more. */
export interface Committer {
  committed(outcome: Outcome): void;
  /** With what `commit` would have thrown. */
  failed(error: unknown): void;
}

export type OwnedKind = "job" | "upload";

/** One thing that was shown and has not been shown again since. */
export interface ShownEntry {
  readonly seq: number;
  readonly job: Job;
  /** null: the job's own message. */
  readonly photo: Photo | null;
  readonly part: "started" | "last";
}

export interface SinceQuery {
  readonly userId: string;
  /** null: all jobs of the user. */
  readonly jobId: string | null;
  readonly afterSeq: number;
  /** Most entries to give. */
  readonly limit: number;
  /** Jobs that ended before `beforeMs` are left out (`none`) but perhaps for their own message (`job`); null: nothing is. */
  readonly past: { readonly beforeMs: number; readonly keep: "none" | "job" } | null;
}

/** What a user's numbers are now. */
export interface Numbers {
  readonly epoch: string;
  /** Who stands before it may have missed what is not kept any more; in a snapshot's way it is `startSeq` that counts. */
  readonly firstSeq: number;
  readonly startSeq: number;
  readonly headSeq: number;
  /** True: the next message has the next number. False: the user's numbers have not begun, and may anywhere above. */
  readonly isNextKnown: boolean;
}

export interface Since extends Numbers {
  /** In the order of their numbers, none of them to be changed. */
  readonly entries: readonly ShownEntry[];
  /** False: more follow. */
  readonly isAll: boolean;
  /** The job that was asked for; null: none was, or the user has no such job. */
  readonly job: Job | null;
}

export interface StoreStats {
  readonly jobs: number;
  /** Photos that are neither completed, failed nor cancelled. */
  readonly openPhotos: number;
  readonly users: number;
}

/** What a store tells of by itself. Calls never throw. */
export interface StoreListener {
  /** Committed messages of a watched user, in the order of their numbers, whoever committed them. */
  shown(userId: string, messages: readonly OutMessage[]): void;
  /** What a watched user was sent may be incomplete, or not hold any more; or `since` was refused and is not any more. */
  gap(userId: string): void;
  /** Nobody looks after the job, or has not for too long: it is to be looked at now. */
  due(userId: string, jobId: string): void;
}

/**
 * Keeps the state of all users. Merging happens above it; it knows versions, numbers and what is kept how long.
 * Everything rejects with HubError `store_unavailable` while the store can't be reached, or throws it where there is no
 * promise, or tells its committer. Implementations are held together by one conformance suite.
 */
export interface Store {
  /** Before anything else. */
  listen(listener: StoreListener): void;
  readonly stats: StoreStats;
  /** As `stats` has it, for whoever asks with each event. */
  readonly openPhotos: number;
  health(): { readonly ready: boolean; readonly reason: string | null };
  /** The job as it was last committed, not to be changed; null: there is none. */
  load(userId: string, jobId: string): Awaitable<Job | null>;
  /** Numbers the messages and keeps the draft, durably where the store is durable; tells the listener of the messages. */
  commit(change: Change, committer: Committer): void;
  /** Nothing was to be done with the job as it is: its next deadline, null: none. */
  postpone(job: Job, deadlineMs: number | null): Awaitable<void>;
  /**
   * From now on the listener hears of the user; what it heard before, and what `since` gives later, leave no gap. Until
   * it is unwatched.
   */
  watch(userId: string): void;
  unwatch(userId: string): void;
  /** All that was last shown after a number, and the head, at one moment. */
  since(query: SinceQuery): Promise<Since>;
  /** All jobs of the user that are kept, in the order in which they were heard of. */
  jobs(userId: string): Promise<{ readonly epoch: string; readonly jobs: readonly Job[] }>;
  /** null: nobody's. */
  ownerOf(kind: OwnedKind, id: string): Awaitable<string | null>;
  /** Binds the id to the user unless it is bound; gives the user it is bound to. */
  bindOwner(kind: OwnedKind, id: string, userId: string): Awaitable<string>;
  /** Unbinds a job id from the user, who has no such job after all; does nothing where there is one. */
  releaseJob(userId: string, jobId: string): Promise<void>;
  /**
   * Forgets everything of the user; gives how many jobs that were. Every id given out before is from before the user's
   * numbers then, and the listener hears of the gap.
   */
  dropUser(userId: string): Promise<number>;
  close(): Promise<void>;
}
