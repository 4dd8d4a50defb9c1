import { randomBytes } from "node:crypto";
import { statfsSync } from "node:fs";
import { type Database, open, type RootDatabase } from "lmdb";
import { isQuiet, type Job } from "../../domain/job.ts";
import type { Photo } from "../../domain/photo-view.ts";
import {
  decodeJob,
  decodePhoto,
  encodeJob,
  encodePhoto,
  FORMAT,
  type KeptJob,
  type Times,
} from "../records.ts";
import type { OwnedKind } from "../store.ts";

/** What is kept of a user beside the jobs. */
export interface UserRecord {
  readonly startSeq: number;
  /** Not the newest number where jobs have newer ones. */
  readonly headSeq: number;
  readonly prunedSeq: number;
}

export interface JobKey {
  readonly userId: string;
  readonly jobId: string;
}

export interface Upload {
  readonly id: string;
  readonly userId: string;
  readonly atUnixMs: number;
}

export interface DiskOptions {
  readonly folder: string;
  /** `commit`: a write survives the death of every process; `sync`: also that of the machine. */
  readonly durability: "commit" | "sync";
  /** Where the numbers of a new folder begin. */
  readonly floorSeq: number;
  /** When it is closed. */
  readonly onClose?: () => void;
}

/** Another process has the folder open. */
export class FolderInUse extends Error {
  override readonly name = "FolderInUse";
  readonly pid: number;

  constructor(pid: number) {
    super(`in use by ${pid}`);
    this.pid = pid;
  }
}

/** What is in the folder is of a later version than this one. */
export class NewerFormat extends Error {
  override readonly name = "NewerFormat";
}

/** What a write may change; all of one write is there, or nothing of it. */
export interface Batch {
  photo(key: JobKey, photo: Photo): void;
  /** `before`: as it is on disk; null: it isn't. */
  job(kept: KeptJob, before: Job | null): void;
  dropJob(kept: KeptJob): void;
  user(userId: string, record: UserRecord): void;
  dropUser(userId: string): void;
  owner(kind: OwnedKind, id: string, userId: string, atUnixMs: number): void;
  dropUpload(upload: Upload): void;
  floorSeq(floorSeq: number): void;
}

/** A disk with less is as good as full. */
const ROOM_BYTES = 1024 * 1024;

type Table = Database<string, string>;

/** Between the parts of a key, which hold no control characters; and what follows it, for the end of a range. */
const SEPARATOR = "\n";
const AFTER_SEPARATOR = "\v";

/**
 * State in a folder: one environment of LMDB, which one process writes. Reads are synchronous, from memory that the
 * system shares with its page cache.
 */
export class Disk {
  readonly epoch: string;
  readonly #durability: DiskOptions["durability"];
  readonly #root: RootDatabase<unknown, string>;
  readonly #users: Table;
  /** Each followed by its photos: what changes together lies on the same page mostly. */
  readonly #jobs: Table;
  /** Jobs that have something to do: not ended, or with photos that are open again. */
  readonly #open: Table;
  /** Ended jobs, by the time of their ends. */
  readonly #ended: Table;
  readonly #owners: Table;
  /** Uploads that have an owner, by the time at which they got one. */
  readonly #uploads: Table;
  readonly #batch: Batch;

  readonly #onClose: () => void;
  readonly #folder: string;

  /** Throws FolderInUse, NewerFormat, or LMDB's error. */
  constructor({ folder, durability, floorSeq, onClose = () => undefined }: DiskOptions) {
    this.#durability = durability;
    this.#onClose = onClose;
    this.#folder = folder;
    // Without syncs a transaction is a write into the system's page cache.
    const settings = durability === "commit" ? { noSync: true, overlappingSync: false } : {};
    this.#root = open<unknown, string>({
      path: folder,
      maxDbs: 12,
      encoding: "string",
      cache: false,
      ...settings,
    });
    if (durability === "sync") process.on("unhandledRejection", ignoreCommitError);
    try {
      this.#claim();
    } catch (error) {
      void this.#root.close();
      throw error;
    }
    this.#users = this.#table("users");
    this.#jobs = this.#table("jobs");
    this.#open = this.#table("open");
    this.#ended = this.#table("ended");
    this.#owners = this.#table("owners");
    this.#uploads = this.#table("uploads");
    this.epoch = this.#epochOf(floorSeq);
    this.#batch = this.#makeBatch();
  }

  get floorSeq(): number {
    return Number(this.#root.get("floorSeq"));
  }

  get counts(): { readonly endedJobs: number; readonly users: number } {
    return { endedJobs: entriesIn(this.#ended), users: entriesIn(this.#users) };
  }

  /** null: nothing is kept of the user. */
  user(userId: string): UserRecord | null {
    const text = this.#users.get(userId);
    return text === undefined ? null : JSON.parse(text);
  }

  /** In the order in which they were heard of, without their photos. */
  jobsOf(userId: string, times: Times): readonly ReturnType<typeof decodeJob>[] {
    const kept: ReturnType<typeof decodeJob>[] = [];
    const { start, end } = below(userId);
    for (let from: string | null = start; from !== null; ) {
      const [first] = this.#jobs.getRange({ start: from, end, limit: 1 });
      from = null;
      if (first === undefined) break;
      const [, jobId = ""] = partsOf(first.key);
      kept.push(decodeJob(userId, jobId, first.value, times));
      from = below(first.key).end;
    }
    return kept.sort((left, right) => left.bornSeq - right.bornSeq);
  }

  *photosOf({ userId, jobId }: JobKey, nowMs: number): Generator<Photo> {
    for (const { key, value } of this.#jobs.getRange(below(keyOf(userId, jobId)))) {
      const [, , photoId = ""] = partsOf(key);
      yield decodePhoto(photoId, value, nowMs);
    }
  }

  /** Whether the job is not kept as a whole in memory. */
  *openJobs(): Generator<JobKey> {
    for (const key of this.#open.getKeys()) {
      const [userId = "", jobId = ""] = partsOf(key);
      yield { userId, jobId };
    }
  }

  /** The jobs that ended at or before a time, oldest first. */
  *endedUntil(unixMs: number): Generator<JobKey> {
    for (const key of this.#ended.getKeys({ end: timeKey(unixMs) + AFTER_SEPARATOR })) {
      const [, userId = "", jobId = ""] = partsOf(key);
      yield { userId, jobId };
    }
  }

  /** Unix milliseconds; null: no job has ended. */
  get oldestEndUnixMs(): number | null {
    for (const key of this.#ended.getKeys({ limit: 1 })) return Number(partsOf(key)[0]);
    return null;
  }

  ownerOf(kind: OwnedKind, id: string): string | null {
    return this.#owners.get(keyOf(kind, id)) ?? null;
  }

  /** All that are bound, in the order in which they were. */
  *uploads(): Generator<Upload> {
    for (const { key, value: userId } of this.#uploads.getRange()) {
      const [time, id = ""] = partsOf(key);
      yield { id, userId, atUnixMs: Number(time) };
    }
  }

  /** Resolves when it is as durable as asked for. Rejects with LMDB's error, and nothing is written then. */
  async write(fill: (batch: Batch) => void): Promise<void> {
    if (this.#durability === "commit") {
      // What `put` gives is a promise; returned from here it would make the transaction wait for itself.
      this.#root.transactionSync(() => {
        fill(this.#batch);
      });
      return;
    }
    // Resolves when it is flushed.
    await this.#root.batch(() => {
      fill(this.#batch);
    });
  }

  /** True: there is room again, and it takes a write. */
  async probe(): Promise<boolean> {
    // A full disk takes small writes now and then, into pages that were freed before.
    const { bavail, bsize } = statfsSync(this.#folder);
    if (bavail * bsize < ROOM_BYTES) return false;
    await this.write((batch) => batch.floorSeq(this.floorSeq));
    return true;
  }

  async close(): Promise<void> {
    await this.#root.close();
    process.off("unhandledRejection", ignoreCommitError);
    this.#onClose();
  }

  /**
   * Sees to it that this process is the only one, without a write. To read is to be in LMDB's table of readers, where a
   * process stands until it ends, however it ends: of two that start at once, at least one sees the other.
   */
  #claim(): void {
    const format = Number(this.#root.get("format") ?? FORMAT);
    const [other] = [...this.#readers()].filter((pid) => pid !== process.pid);
    if (other !== undefined) throw new FolderInUse(other);
    if (format > FORMAT) throw new NewerFormat();
  }

  #readers(): ReadonlySet<number> {
    this.#root.readerCheck();
    const lines = this.#root.readerList().split("\n");
    return new Set(lines.map((line) => Number(line.trim().split(/\s+/)[0])).filter((pid) => pid > 0));
  }

  #table(name: string): Table {
    return this.#root.openDB<string, string>({ name, encoding: "string" });
  }

  #epochOf(floorSeq: number): string {
    const known = this.#root.get("epoch");
    if (typeof known === "string") return known;
    const epoch = `e${randomBytes(6).toString("hex")}`;
    this.#root.transactionSync(() => {
      this.#root.putSync("format", String(FORMAT));
      this.#root.putSync("epoch", epoch);
      this.#root.putSync("floorSeq", String(floorSeq));
    });
    return epoch;
  }

  #makeBatch(): Batch {
    const { put, remove } = this.#durability === "commit" ? inTransaction : inBatch;
    const [root, users, jobs] = [this.#root, this.#users, this.#jobs];
    const [openJobs, ended, owners, uploads] = [this.#open, this.#ended, this.#owners, this.#uploads];
    return {
      photo({ userId, jobId }, photo) {
        put(jobs, keyOf(userId, jobId, photo.photoId), encodePhoto(photo));
      },
      job(kept, before) {
        const { job } = kept;
        const key = keyOf(job.userId, job.jobId);
        put(jobs, key, encodeJob(kept));
        const wasQuiet = before === null ? null : isQuiet(before);
        if (isQuiet(job) !== wasQuiet) {
          if (isQuiet(job)) remove(openJobs, key);
          else put(openJobs, key, "");
        }
        if (job.ended !== null && (before?.ended ?? null) === null) put(ended, keyOf(endTime(kept), key), "");
      },
      dropJob: (kept) => {
        const { userId, jobId } = kept.job;
        const key = keyOf(userId, jobId);
        for (const photo of [...jobs.getKeys(below(key))]) remove(jobs, photo);
        remove(jobs, key);
        remove(openJobs, key);
        if (kept.job.ended !== null) remove(ended, keyOf(endTime(kept), key));
        if (this.ownerOf("job", jobId) === userId) remove(owners, keyOf("job", jobId));
      },
      user: (userId, { startSeq, headSeq, prunedSeq }) =>
        put(users, userId, JSON.stringify({ startSeq, headSeq, prunedSeq })),
      dropUser: (userId) => remove(users, userId),
      owner(kind, id, userId, atUnixMs) {
        put(owners, keyOf(kind, id), userId);
        if (kind === "upload") put(uploads, keyOf(timeKey(atUnixMs), id), userId);
      },
      dropUpload({ id, atUnixMs }) {
        remove(owners, keyOf("upload", id));
        remove(uploads, keyOf(timeKey(atUnixMs), id));
      },
      floorSeq: (floorSeq) => put(root, "floorSeq", String(floorSeq)),
    };
  }
}

interface Writing {
  put(table: Database<unknown, string>, key: string, value: string): void;
  remove(table: Database<unknown, string>, key: string): void;
}

const inTransaction: Writing = {
  put: (table, key, value) => void table.putSync(key, value),
  remove: (table, key) => void table.removeSync(key),
};

const inBatch: Writing = {
  put: (table, key, value) => void table.put(key, value),
  remove: (table, key) => void table.remove(key),
};

function keyOf(...parts: readonly string[]): string {
  return parts.join(SEPARATOR);
}

function partsOf(key: string): readonly string[] {
  return key.split(SEPARATOR);
}

/** All keys that begin with this one and go on. */
function below(key: string): { readonly start: string; readonly end: string } {
  return { start: key + SEPARATOR, end: key + AFTER_SEPARATOR };
}

/** A commit that fails rejects a promise of LMDB's own too, which nobody can get hold of. */
function ignoreCommitError(reason: unknown): void {
  if (reason instanceof Error && "commitError" in reason) return;
  throw reason;
}

function endTime({ endedUnixMs }: KeptJob): string {
  return timeKey(endedUnixMs ?? 0);
}

function entriesIn(table: Table): number {
  const { entryCount }: { entryCount?: unknown } = table.getStats();
  return typeof entryCount === "number" ? entryCount : 0;
}

/** Sorts as the time does. */
function timeKey(unixMs: number): string {
  return String(Math.max(0, unixMs)).padStart(16, "0");
}
