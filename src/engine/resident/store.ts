import { randomBytes } from "node:crypto";
import type { Job } from "../../domain/job.ts";
import { HubError } from "../../errors.ts";
import type { Clock } from "../clock.ts";
import { stamped } from "../shower.ts";
import type {
  Change,
  Committer,
  Outcome,
  OwnedKind,
  Since,
  SinceQuery,
  Store,
  StoreListener,
  StoreStats,
} from "../store.ts";
import { Wake } from "../wake.ts";
import type { Batch, Disk, Upload } from "./disk.ts";
import { Group, type Sealed } from "./group.ts";
import { Owners } from "./owners.ts";
import { type Kept, State, type User } from "./state.ts";

export interface ResidentStoreOptions {
  readonly clock: Clock;
  /** How long an ended job is kept. */
  readonly retentionMs: number;
  readonly maxJobsPerUser: number;
  /** Unix milliseconds; no start of a hub may be given less than one before it. Where there is a disk, it knows better. */
  readonly startMs: number;
  /** null: what is in memory is all there is. */
  readonly disk: Disk | null;
  /** A write failed: until the disk takes one again, none is tried (null: it does). */
  readonly onTrouble?: (error: unknown) => void;
}

interface Commit {
  readonly kind: "commit";
  readonly change: Change;
  readonly committer: Committer;
}

interface UserDrop {
  readonly kind: "drop";
  readonly userId: string;
  readonly done: (jobs: number) => void;
  readonly failed: (error: unknown) => void;
}

interface Prune {
  readonly kind: "prune";
}

/** Asks whether the disk takes writes again. */
interface Probe {
  readonly kind: "probe";
}

type Operation = Commit | UserDrop | Prune | Probe;

/** Jobs forgotten in one write. */
const PRUNE_AT_ONCE = 100;
const PROBE_EVERY_MS = 500;
const UNLOAD_EVERY_MS = 30_000;
const RETRY_AFTER_S = 1;

/**
 * State in the memory of this process, and on its disk if it has one: what comes in one turn of the event loop, or while
 * the group before it is written, is one group, written as one, and shown when it is.
 */
export class ResidentStore implements Store {
  readonly #options: ResidentStoreOptions;
  readonly #state: State;
  readonly #owners: Owners;
  #listener: StoreListener = { shown: () => undefined, gap: () => undefined, due: () => undefined };
  #waiting: Operation[] = [];
  #working: Promise<void> | null = null;
  #isPruneQueued = false;
  readonly #pruning: Wake;
  /** False: no job has ended, so that there is nothing to prune. */
  #hasEnded = true;
  #isTroubled = false;
  #isClosed = false;
  #cancelProbe: () => void = () => undefined;
  #cancelUnload: () => void = () => undefined;

  constructor(options: ResidentStoreOptions) {
    const { clock, disk, startMs } = options;
    this.#options = options;
    const originUnixMs = clock.unixMs() - clock.monotonicMs();
    const times = () => ({ nowMs: clock.monotonicMs(), originUnixMs });
    const epoch = disk?.epoch ?? `m${randomBytes(6).toString("hex")}`;
    this.#state = new State(epoch, disk?.floorSeq ?? Math.floor(startMs) * 1000, disk, times);
    this.#pruning = new Wake(clock, () => this.#queuePrune());
    this.#owners = new Owners(disk, () => clock.unixMs());
    if (disk !== null) this.#unloadLater();
  }

  listen(listener: StoreListener): void {
    this.#listener = listener;
  }

  /** Reads what has something to do into memory; gives the event loop its turns meanwhile, and says how far it is. */
  async restore(onProgress: (photos: number) => void): Promise<void> {
    let photos = 0;
    for (const key of [...(this.#options.disk?.openJobs() ?? [])]) {
      const job = this.#state.restore(key);
      // They are written together.
      if (job === null) throw new Error("a job that is open is not there");
      this.#listener.due(key.userId, key.jobId);
      const before = photos;
      photos += job.photos.size;
      if (Math.floor(before / 10_000) === Math.floor(photos / 10_000)) continue;
      onProgress(photos);
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#arm();
  }

  get stats(): StoreStats {
    return this.#state.stats;
  }

  get openPhotos(): number {
    return this.#state.openPhotos;
  }

  health(): { readonly ready: boolean; readonly reason: string | null } {
    if (this.#isClosed) return { ready: false, reason: "closed" };
    return this.#isTroubled
      ? { ready: false, reason: "the data folder can't be written" }
      : { ready: true, reason: null };
  }

  load(userId: string, jobId: string): Job | null {
    return this.#state.job(userId, jobId);
  }

  commit(change: Change, committer: Committer): void {
    this.#enqueue({ kind: "commit", change, committer });
  }

  /** Who works on a job is the only one who could, and knows. */
  postpone(): void {}

  /** The listener hears of everybody: whoever nobody asks for costs a look into the router's table. */
  watch(): void {}

  unwatch(): void {}

  async since(query: SinceQuery): Promise<Since> {
    return this.#state.since(query);
  }

  async jobs(userId: string): Promise<{ readonly epoch: string; readonly jobs: readonly Job[] }> {
    return { epoch: this.#state.epoch, jobs: this.#state.jobsOf(userId) };
  }

  ownerOf(kind: OwnedKind, id: string): string | null {
    return this.#owners.get(kind, id);
  }

  bindOwner(kind: OwnedKind, id: string, userId: string): string {
    return this.#owners.bind(kind, id, userId);
  }

  async releaseJob(userId: string, jobId: string): Promise<void> {
    if (this.#state.kept(userId, jobId) === null) this.#owners.release("job", jobId, userId);
  }

  dropUser(userId: string): Promise<number> {
    return new Promise((done, failed) => this.#enqueue({ kind: "drop", userId, done, failed }));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#pruning.cancel();
    this.#cancelProbe();
    this.#cancelUnload();
    await this.#working;
    await this.#options.disk?.close();
  }

  #enqueue(operation: Operation): void {
    this.#waiting.push(operation);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    do {
      // Before each: what those who were told of the last group commit next is to meet what else this turn brings.
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = this.#waiting;
      if (next?.kind === "commit") {
        const end = this.#waiting.findIndex(({ kind }) => kind !== "commit");
        const operations = this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
        await this.#commit(operations.filter((one) => one.kind === "commit"));
      } else {
        this.#waiting.shift();
        if (next?.kind === "drop") await this.#dropUser(next);
        else if (next?.kind === "prune") await this.#prune();
        else if (next?.kind === "probe") await this.#probe();
      }
    } while (this.#waiting.length > 0);
    this.#working = null;
    this.#arm();
  }

  async #commit(operations: readonly Commit[]): Promise<void> {
    const group = new Group();
    for (const operation of operations) {
      const sealed = this.#seal(operation, group);
      if (typeof sealed === "string") operation.committer.committed(sealed);
      else group.add(sealed);
    }
    let bindings: ReturnType<Owners["write"]> = [];
    const error = await this.#write((batch) => {
      bindings = this.#owners.write(batch);
      for (const sealed of group.sealed) this.#state.write(batch, sealed);
    });
    for (const { user } of group.sealed) user.commits -= 1;
    if (error !== null) {
      for (const { draft, committer } of group.sealed) {
        this.#state.undoUser(draft.userId);
        committer.failed(error);
      }
      return;
    }
    this.#owners.written(bindings);
    this.#apply(group.sealed);
    // A write of its own: what goes may have been changed by the one before.
    await this.#dropJobs(group.sealed.flatMap(({ evicted }) => evicted ?? []));
    for (const { committer } of group.sealed) committer.committed("committed");
  }

  #seal({ change: { draft, messages }, committer }: Commit, group: Group): Sealed | Outcome {
    const { userId, jobId, version } = draft;
    const known = this.#state.user(userId);
    const kept = known?.jobs.get(jobId) ?? null;
    if (group.touches(draft, kept) || (kept?.job.version ?? 0) !== version) return "conflict";
    const evicted = kept === null ? this.#roomFor(userId, group) : null;
    if (evicted === "no_room") return evicted;
    const user = known ?? this.#state.ensureUser(userId);
    user.commits += 1;
    const numbered = messages.map((message) => {
      user.givenSeq += 1;
      message.stamp.seq = user.givenSeq;
      return stamped(message, this.#state.epoch);
    });
    return { draft, user, kept, messages: numbered, evicted, committer };
  }

  /** null: there is room; a job: it has to go first. */
  #roomFor(userId: string, group: Group): Kept | null | "no_room" {
    const jobs = this.#state.user(userId)?.jobs ?? new Map<string, Kept>();
    if (jobs.size + group.addedOf(userId) < this.#options.maxJobsPerUser) return null;
    for (const kept of jobs.values()) {
      if (group.mayGo(kept)) return kept;
    }
    return "no_room";
  }

  #apply(sealed: readonly Sealed[]): void {
    const shown: User[] = [];
    for (const one of sealed) {
      const { draft, user, messages } = one;
      this.#state.absorb(one);
      if (draft.ended !== null) this.#hasEnded = true;
      if (messages.length === 0) continue;
      if (user.outbox === null) {
        user.outbox = [...messages];
        shown.push(user);
      } else for (const message of messages) user.outbox.push(message);
    }
    for (const user of shown) {
      const messages = user.outbox ?? [];
      user.outbox = null;
      this.#listener.shown(user.userId, messages);
    }
  }

  /** False: they could not be dropped now. */
  async #dropJobs(jobs: readonly Kept[], uploads: readonly Upload[] = []): Promise<boolean> {
    if (jobs.length + uploads.length === 0) return true;
    const error = await this.#write((batch) => {
      this.#state.writeDrops(batch, jobs);
      for (const upload of uploads) batch.dropUpload(upload);
    });
    if (error !== null) return false;
    for (const { job } of jobs) {
      this.#state.dropJob(job);
      this.#owners.release("job", job.jobId, job.userId);
    }
    return true;
  }

  async #dropUser({ userId, done, failed }: UserDrop): Promise<void> {
    const error = await this.#write((batch) => {
      this.#state.writeUserDrop(batch, userId);
      this.#owners.writeReleaseAll(batch, userId);
    });
    if (error !== null) {
      failed(error);
      return;
    }
    this.#owners.releaseAll(userId);
    done(this.#state.dropUser(userId));
    this.#listener.gap(userId);
  }

  /** Jobs end in the order in which they are to be forgotten. */
  async #prune(): Promise<void> {
    this.#isPruneQueued = false;
    const untilMs = this.#options.clock.monotonicMs() - this.#options.retentionMs;
    const jobs = this.#state.endedUntil(untilMs, PRUNE_AT_ONCE);
    const uploads = this.#oldUploads();
    const isDone = await this.#dropJobs(jobs, uploads);
    const isMore = jobs.length === PRUNE_AT_ONCE || uploads.length === PRUNE_AT_ONCE;
    if (isDone && isMore) this.#queuePrune();
  }

  /** Some of those whose later hooks may as well show a token of their own. */
  #oldUploads(): readonly Upload[] {
    const untilUnixMs = this.#options.clock.unixMs() - this.#options.retentionMs;
    const uploads: Upload[] = [];
    for (const upload of this.#owners.uploadsUntil(untilUnixMs)) {
      if (uploads.push(upload) === PRUNE_AT_ONCE) break;
    }
    return uploads;
  }

  /** Gives what the caller is to be told, where the disk refuses. */
  async #write(fill: (batch: Batch) => void): Promise<HubError | null> {
    const { disk, onTrouble } = this.#options;
    if (disk === null) return null;
    try {
      if (!this.#isTroubled) {
        await disk.write(fill);
        return null;
      }
    } catch (error) {
      onTrouble?.(error);
      this.#isTroubled = true;
      this.#probeLater();
    }
    return new HubError("store_unavailable", "The data folder can't be written.", RETRY_AFTER_S);
  }

  async #probe(): Promise<void> {
    const { disk, onTrouble } = this.#options;
    const isWell = await disk?.probe().catch(() => false);
    if (isWell === false) return this.#probeLater();
    this.#isTroubled = false;
    onTrouble?.(null);
  }

  #probeLater(): void {
    this.#cancelProbe();
    if (this.#isClosed) return;
    this.#cancelProbe = this.#options.clock.after(PROBE_EVERY_MS, () => this.#enqueue({ kind: "probe" }));
  }

  #unloadLater(): void {
    this.#cancelUnload = this.#options.clock.after(UNLOAD_EVERY_MS, () => {
      this.#state.unloadIdle();
      if (this.#oldUploads().length > 0) this.#queuePrune();
      this.#unloadLater();
    });
  }

  #queuePrune(): void {
    if (this.#isPruneQueued || this.#isClosed) return;
    this.#isPruneQueued = true;
    this.#enqueue({ kind: "prune" });
  }

  #arm(): void {
    // Who ends later is forgotten later.
    if (this.#isClosed || this.#isTroubled || !this.#hasEnded || this.#pruning.isSet) return;
    const oldestMs = this.#state.oldestEndMs;
    this.#hasEnded = oldestMs !== null;
    if (oldestMs !== null) this.#pruning.setBy(oldestMs + this.#options.retentionMs);
  }
}
