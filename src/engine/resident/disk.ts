import { randomBytes } from "node:crypto";
import { type Database, open, type RootDatabase } from "lmdb";
import type { Photo } from "../../domain/photo-view.ts";
import type { OwnedKind } from "../store.ts";
import {
  decodeJob,
  decodePhoto,
  encodeJob,
  encodePhoto,
  FORMAT,
  type KeptJob,
  type Times,
} from "./records.ts";

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
  job(kept: KeptJob): void;
  dropJob(kept: KeptJob): void;
  user(userId: string, record: UserRecord): void;
  dropUser(userId: string): void;
  owner(kind: OwnedKind, id: string, userId: string, atUnixMs: number): void;
  dropUpload(upload: Upload): void;
  floorSeq(floorSeq: number): void;
}

type Table<Value> = Database<Value, string[]>;

/** Greater than every id that may follow in a key. */
const END = "\u{10ffff}";

/**
 * State in a folder: one environment of LMDB, which one process writes. Reads are synchronous, from memory that the
 * system shares with its page cache.
 */
export class Disk {
  readonly epoch: string;
  readonly #durability: DiskOptions["durability"];
  readonly #root: RootDatabase<unknown, string>;
  readonly #users: Table<string>;
  readonly #jobs: Table<string>;
  readonly #photos: Table<string>;
  /** Jobs that have something to do: not ended, or with photos that are open again. */
  readonly #open: Table<string>;
  /** Ended jobs, by the time of their ends. */
  readonly #ended: Table<string>;
  readonly #owners: Table<string>;
  /** Uploads that have an owner, by the time at which they got one. */
  readonly #uploads: Table<string>;
  readonly #batch: Batch;

  readonly #onClose: () => void;

  /** Throws FolderInUse, NewerFormat, or LMDB's error. */
  constructor({ folder, durability, floorSeq, onClose = () => undefined }: DiskOptions) {
    this.#durability = durability;
    this.#onClose = onClose;
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
    this.#photos = this.#table("photos");
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

  get counts(): { readonly jobs: number; readonly users: number } {
    return { jobs: entriesIn(this.#jobs), users: entriesIn(this.#users) };
  }

  /** null: nothing is kept of the user. */
  user(userId: string): UserRecord | null {
    const text = this.#users.get([userId]);
    return text === undefined ? null : JSON.parse(text);
  }

  /** In the order in which they were heard of, without their photos. */
  jobsOf(userId: string, times: Times): readonly KeptJob[] {
    const kept: KeptJob[] = [];
    for (const { key, value } of this.#jobs.getRange({ start: [userId], end: [userId, END] })) {
      kept.push(decodeJob(userId, key[1] ?? "", value, times));
    }
    return kept.sort((left, right) => left.bornSeq - right.bornSeq);
  }

  *photosOf({ userId, jobId }: JobKey, nowMs: number): Generator<Photo> {
    const range = { start: [userId, jobId], end: [userId, jobId, END] };
    for (const { key, value } of this.#photos.getRange(range)) yield decodePhoto(key[2] ?? "", value, nowMs);
  }

  /** Whether the job is not kept as a whole in memory. */
  *openJobs(): Generator<JobKey> {
    for (const [userId = "", jobId = ""] of this.#open.getKeys()) yield { userId, jobId };
  }

  /** The jobs that ended at or before a time, oldest first. */
  *endedUntil(unixMs: number): Generator<JobKey> {
    for (const [, userId = "", jobId = ""] of this.#ended.getKeys({ end: [timeKey(unixMs), END] })) {
      yield { userId, jobId };
    }
  }

  /** Unix milliseconds; null: no job has ended. */
  get oldestEndUnixMs(): number | null {
    for (const [time = ""] of this.#ended.getKeys({ limit: 1 })) return Number(time);
    return null;
  }

  ownerOf(kind: OwnedKind, id: string): string | null {
    return this.#owners.get([kind, id]) ?? null;
  }

  /** All that are bound, in the order in which they were. */
  *uploads(): Generator<Upload> {
    for (const { key, value: userId } of this.#uploads.getRange()) {
      yield { id: key[1] ?? "", userId, atUnixMs: Number(key[0]) };
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

  async close(): Promise<void> {
    await this.#root.close();
    process.off("unhandledRejection", ignoreCommitError);
    this.#onClose();
  }

  /**
   * Makes this process the only one that writes. LMDB's table of readers holds a lock that the system lets go of with its
   * process, however that ends: an owner that is not in it is gone.
   */
  #claim(): void {
    if (Number(this.#root.get("format") ?? FORMAT) > FORMAT) throw new NewerFormat();
    this.#root.transactionSync(() => {
      const owner = Number(this.#root.get("owner") ?? 0);
      if (owner !== process.pid && this.#readers().has(owner)) throw new FolderInUse(owner);
      this.#root.putSync("owner", String(process.pid));
    });
  }

  #readers(): ReadonlySet<number> {
    this.#root.readerCheck();
    const lines = this.#root.readerList().split("\n");
    return new Set(lines.map((line) => Number(line.trim().split(/\s+/)[0])).filter((pid) => pid > 0));
  }

  #table(name: string): Table<string> {
    return this.#root.openDB<string, string[]>({ name, encoding: "string" });
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
    const [users, jobs, photos, openJobs, ended] = [
      this.#users,
      this.#jobs,
      this.#photos,
      this.#open,
      this.#ended,
    ];
    return {
      photo({ userId, jobId }, photo) {
        photos.put([userId, jobId, photo.photoId], encodePhoto(photo));
      },
      job(kept) {
        const { job } = kept;
        const key = [job.userId, job.jobId];
        jobs.put(key, encodeJob(kept));
        if (job.ended === null || job.tally.active > 0) openJobs.put(key, "");
        else openJobs.remove(key);
        if (job.ended !== null) ended.put([endKey(kept), ...key], "");
      },
      dropJob: (kept) => this.#dropJob(kept),
      user: (userId, record) => void users.put([userId], JSON.stringify(record)),
      dropUser: (userId) => void users.remove([userId]),
      owner: (kind, id, userId, atUnixMs) => {
        this.#owners.put([kind, id], userId);
        if (kind === "upload") this.#uploads.put([timeKey(atUnixMs), id], userId);
      },
      dropUpload: ({ id, atUnixMs }) => {
        this.#owners.remove(["upload", id]);
        this.#uploads.remove([timeKey(atUnixMs), id]);
      },
      floorSeq: (floorSeq) => void this.#root.put("floorSeq", String(floorSeq)),
    };
  }

  #dropJob(kept: KeptJob): void {
    const { userId, jobId, ended } = kept.job;
    const range = { start: [userId, jobId], end: [userId, jobId, END] };
    for (const key of [...this.#photos.getKeys(range)]) this.#photos.remove(key);
    this.#jobs.remove([userId, jobId]);
    this.#open.remove([userId, jobId]);
    if (ended !== null) this.#ended.remove([endKey(kept), userId, jobId]);
    if (this.ownerOf("job", jobId) === userId) this.#owners.remove(["job", jobId]);
  }
}

/** A commit that fails rejects a promise of LMDB's own too, which nobody can get hold of. */
function ignoreCommitError(reason: unknown): void {
  if (reason instanceof Error && "commitError" in reason) return;
  throw reason;
}

function endKey({ endedUnixMs }: KeptJob): string {
  return timeKey(endedUnixMs ?? 0);
}

function entriesIn(table: Table<string>): number {
  const { entryCount }: { entryCount?: unknown } = table.getStats();
  return typeof entryCount === "number" ? entryCount : 0;
}

/** Sorts as the time does. */
function timeKey(unixMs: number): string {
  return String(Math.max(0, unixMs)).padStart(16, "0");
}
