import { randomBytes } from "node:crypto";
import type { Draft } from "../../domain/draft.ts";
import type { Job } from "../../domain/job.ts";
import type { Clock } from "../clock.ts";
import type { OutMessage } from "../contract.ts";
import { stamped } from "../shower.ts";
import type {
  Change,
  Outcome,
  OwnedKind,
  Since,
  SinceQuery,
  Store,
  StoreListener,
  StoreStats,
} from "../store.ts";
import { type Kept, State } from "./state.ts";

export interface ResidentStoreOptions {
  readonly clock: Clock;
  /** How long an ended job is kept. */
  readonly retentionMs: number;
  readonly maxJobsPerUser: number;
  /** Unix milliseconds; no start of a hub may be given less than one before it. */
  readonly startMs: number;
}

type Operation =
  | { readonly kind: "commit"; readonly change: Change; readonly done: (outcome: Outcome) => void }
  | { readonly kind: "drop"; readonly userId: string; readonly done: (jobs: number) => void };

/** A commit that nothing stands against. */
interface Sealed {
  readonly change: Change;
  readonly messages: readonly OutMessage[];
  /** An ended job that goes to make room. */
  readonly evicted: Job | null;
  readonly done: (outcome: Outcome) => void;
}

/** Retention is looked at on whole steps of this. */
const TICK_MS = 5;

/** State in the memory of this process alone: the epoch is new at each start, and its numbers never fall. */
export class ResidentStore implements Store {
  readonly #options: ResidentStoreOptions;
  readonly #state: State;
  #listener: StoreListener = { shown: () => undefined, gap: () => undefined };
  #waiting: Operation[] = [];
  #isSealing = false;
  #pruning: { readonly atMs: number; readonly cancel: () => void } | null = null;
  #isClosed = false;

  constructor(options: ResidentStoreOptions) {
    this.#options = options;
    const epoch = `m${randomBytes(6).toString("hex")}`;
    this.#state = new State(epoch, Math.floor(options.startMs) * 1000);
  }

  listen(listener: StoreListener): void {
    this.#listener = listener;
  }

  get stats(): StoreStats {
    return this.#state.stats;
  }

  health(): { readonly ready: boolean; readonly reason: string | null } {
    return this.#isClosed ? { ready: false, reason: "closed" } : { ready: true, reason: null };
  }

  async load(userId: string, jobId: string): Promise<Job | null> {
    return this.#state.kept(userId, jobId)?.job ?? null;
  }

  commit(change: Change): Promise<Outcome> {
    return new Promise((done) => this.#enqueue({ kind: "commit", change, done }));
  }

  async since(query: SinceQuery): Promise<Since> {
    return this.#state.since(query);
  }

  async jobs(userId: string): Promise<{ readonly epoch: string; readonly jobs: readonly Job[] }> {
    return { epoch: this.#state.epoch, jobs: this.#state.jobsOf(userId) };
  }

  async ownerOf(kind: OwnedKind, id: string): Promise<string | null> {
    return this.#state.ownerOf(kind, id);
  }

  async bindOwner(kind: OwnedKind, id: string, userId: string): Promise<string> {
    this.#state.bindOwner(kind, id, userId);
    return this.#state.ownerOf(kind, id) ?? userId;
  }

  async releaseJob(userId: string, jobId: string): Promise<void> {
    this.#state.releaseJob(userId, jobId);
  }

  dropUser(userId: string): Promise<number> {
    return new Promise((done) => this.#enqueue({ kind: "drop", userId, done }));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#pruning?.cancel();
    this.#pruning = null;
  }

  #enqueue(operation: Operation): void {
    this.#waiting.push(operation);
    if (this.#isSealing) return;
    this.#isSealing = true;
    // All that is told in one turn of the event loop is one group, and goes out as one.
    setImmediate(() => this.#seal());
  }

  #seal(): void {
    const operations = this.#waiting;
    this.#waiting = [];
    this.#isSealing = false;
    let group = new Group();
    for (const operation of operations) {
      if (operation.kind === "commit") {
        const sealed = this.#sealed(operation.change, group, operation.done);
        if (typeof sealed === "string") operation.done(sealed);
        else group.add(sealed);
      } else {
        this.#apply(group);
        group = new Group();
        operation.done(this.#state.dropUser(operation.userId));
        this.#listener.gap(operation.userId);
      }
    }
    this.#apply(group);
  }

  #sealed(change: Change, group: Group, done: Sealed["done"]): Sealed | Outcome {
    const { userId, jobId, version } = change.draft;
    const kept = this.#state.kept(userId, jobId);
    if (group.touches(change.draft) || (kept?.job.version ?? 0) !== version) return "conflict";
    const evicted = kept === null ? this.#roomFor(userId, group) : null;
    if (evicted === "no_room") return evicted;
    return { change, messages: this.#stamp(change), evicted, done };
  }

  #stamp({ draft: { userId }, messages }: Change): readonly OutMessage[] {
    const user = this.#state.ensureUser(userId);
    return messages.map((message) => {
      user.givenSeq += 1;
      message.stamp.seq = user.givenSeq;
      return stamped(message, this.#state.epoch);
    });
  }

  /** null: there is room; a job: it has to go first. */
  #roomFor(userId: string, group: Group): Job | null | "no_room" {
    const jobs = this.#state.user(userId)?.jobs ?? new Map<string, Kept>();
    if (jobs.size + group.addedOf(userId) < this.#options.maxJobsPerUser) return null;
    for (const { job } of jobs.values()) {
      if (group.mayGo(job)) return job;
    }
    return "no_room";
  }

  #apply({ sealed }: Group): void {
    const shown = new Map<string, OutMessage[]>();
    for (const { change, messages, evicted } of sealed) {
      this.#state.absorb(change.draft, messages.at(-1)?.seq ?? 0);
      if (evicted !== null) this.#state.dropJob(evicted);
      if (messages.length === 0) continue;
      const { userId } = change.draft;
      const waiting = shown.get(userId);
      if (waiting === undefined) shown.set(userId, [...messages]);
      else waiting.push(...messages);
    }
    for (const [userId, messages] of shown) this.#listener.shown(userId, messages);
    for (const { done } of sealed) done("committed");
    this.#arm();
  }

  /** Jobs end in the order in which they are to be forgotten. */
  #prune(): void {
    const untilMs = this.#options.clock.monotonicMs() - this.#options.retentionMs;
    for (let oldest = this.#state.oldestEnded; oldest !== null && oldest.atMs <= untilMs; ) {
      this.#state.dropJob(oldest.job);
      oldest = this.#state.oldestEnded;
    }
    this.#arm();
  }

  #arm(): void {
    const oldest = this.#state.oldestEnded;
    if (this.#isClosed || oldest === null) return;
    const atMs = Math.ceil((oldest.atMs + this.#options.retentionMs) / TICK_MS) * TICK_MS;
    if (this.#pruning !== null && this.#pruning.atMs <= atMs) return;
    this.#pruning?.cancel();
    const delayMs = Math.max(1, Math.ceil(atMs - this.#options.clock.monotonicMs()));
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#pruning = null;
      this.#prune();
    });
    this.#pruning = { atMs, cancel };
  }
}

/** Commits that are made as one. */
class Group {
  readonly sealed: Sealed[] = [];
  /** Jobs that are changed, or (null) go. User ids hold no control characters. */
  readonly #touched = new Map<string, Draft | null>();
  /** Jobs added, less those that go for them. */
  readonly #added = new Map<string, number>();

  add(sealed: Sealed): void {
    const { draft } = sealed.change;
    this.sealed.push(sealed);
    this.#touched.set(keyOf(draft), draft);
    if (sealed.evicted !== null) this.#touched.set(keyOf(sealed.evicted), null);
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
