import { randomBytes } from "node:crypto";
import { statfsSync } from "node:fs";
import { isQuiet, type Job } from "../../domain/job.ts";
import type { Photo } from "../../domain/photo-view.ts";
import type { KeptJob } from "../records.ts";
import type { OwnedKind } from "../store.ts";
import { SEPARATOR, type TableName, type Writing } from "./journal.ts";
import { decodeJob, decodePhoto, encodeJob, encodePhoto, FORMAT, type Times } from "./record-bytes.ts";
import { Tables } from "./tables.ts";

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

/**
 * State in a folder, which one process writes. Reads are synchronous, from memory that the system shares with its page
 * cache.
 */
export class Disk {
  readonly epoch: string;
  readonly #tables: Tables;
  readonly #onClose: () => void;
  readonly #folder: string;
  readonly #isJournaled: boolean;
  #batch: { readonly writing: Writing; readonly batch: Batch } | null = null;

  /** Throws FolderInUse, NewerFormat, or LMDB's error. */
  constructor({ folder, durability, floorSeq, onClose = () => undefined }: DiskOptions) {
    this.#onClose = onClose;
    this.#folder = folder;
    this.#isJournaled = durability === "commit";
    this.#tables = new Tables({ folder, durability });
    if (!this.#isJournaled) process.on("unhandledRejection", ignoreCommitError);
    try {
      this.#claim();
      this.#tables.begin(this.#isJournaled);
      this.epoch = this.#epochOf(floorSeq);
    } catch (error) {
      void this.#tables.close();
      throw error;
    }
  }

  get floorSeq(): number {
    return Number(this.#textOf("root", "floorSeq"));
  }

  get counts(): { readonly endedJobs: number; readonly users: number } {
    return { endedJobs: this.#tables.count("ended"), users: this.#tables.count("users") };
  }

  /** null: nothing is kept of the user. */
  user(userId: string): UserRecord | null {
    const text = this.#textOf("users", userId);
    return text === undefined ? null : JSON.parse(text);
  }

  /** In the order in which they were heard of, without their photos. */
  jobsOf(userId: string, times: Times): readonly ReturnType<typeof decodeJob>[] {
    const kept = [...this.#tables.jobsBelow(userId)].map(({ key, value }) => {
      const [, jobId = ""] = partsOf(key);
      return decodeJob(userId, jobId, value, times);
    });
    return kept.sort((left, right) => left.bornSeq - right.bornSeq);
  }

  *photosOf({ userId, jobId }: JobKey, nowMs: number): Generator<Photo> {
    for (const { key, value } of this.#tables.photosBelow(keyOf(userId, jobId))) {
      const [, , photoId = ""] = partsOf(key);
      yield decodePhoto(photoId, value, nowMs);
    }
  }

  /** Whether the job is not kept as a whole in memory. */
  *openJobs(): Generator<JobKey> {
    for (const { key } of this.#tables.upTo("open", null)) {
      const [userId = "", jobId = ""] = partsOf(key);
      yield { userId, jobId };
    }
  }

  /** The jobs that ended at or before a time, oldest first. */
  *endedUntil(unixMs: number): Generator<JobKey> {
    for (const { key } of this.#tables.upTo("ended", timeKey(unixMs))) {
      const [, userId = "", jobId = ""] = partsOf(key);
      yield { userId, jobId };
    }
  }

  /** Unix milliseconds; null: no job has ended. */
  get oldestEndUnixMs(): number | null {
    for (const { key } of this.#tables.upTo("ended", null)) return Number(partsOf(key)[0]);
    return null;
  }

  ownerOf(kind: OwnedKind, id: string): string | null {
    return this.#textOf("owners", keyOf(kind, id)) ?? null;
  }

  /** All that are bound, in the order in which they were. */
  *uploads(): Generator<Upload> {
    for (const { key, value } of this.#tables.upTo("uploads", null)) {
      const [time, id = ""] = partsOf(key);
      yield { id, userId: value.toString(), atUnixMs: Number(time) };
    }
  }

  /** Resolves when it is as durable as asked for. Rejects with the system's or LMDB's error, and nothing is written then. */
  write(fill: (batch: Batch) => void): Promise<void> {
    return this.#tables.write((writing) => fill(this.#batchInto(writing)));
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
    await this.#tables.close();
    process.off("unhandledRejection", ignoreCommitError);
    this.#onClose();
  }

  /**
   * Sees to it that this process is the only one, without a write. To read is to be in LMDB's table of readers, where a
   * process stands until it ends, however it ends: of two that start at once, at least one sees the other.
   */
  #claim(): void {
    const format = Number(this.#textOf("root", "format") ?? FORMAT);
    const [other] = [...this.#tables.readers].filter((pid) => pid !== process.pid);
    if (other !== undefined) throw new FolderInUse(other);
    if (format > FORMAT) throw new NewerFormat();
  }

  #epochOf(floorSeq: number): string {
    const known = this.#textOf("root", "epoch");
    if (known !== undefined) {
      // From now on there may be what those that came before would not understand, or leave unread.
      if (this.#textOf("root", "format") !== String(FORMAT)) this.#tables.put({ format: String(FORMAT) });
      return known;
    }
    const epoch = `e${randomBytes(6).toString("hex")}`;
    this.#tables.put({ format: String(FORMAT), epoch, floorSeq: String(floorSeq) });
    return epoch;
  }

  #textOf(table: TableName, key: string): string | undefined {
    return this.#tables.get(table, key)?.toString();
  }

  /** The same is written into each time, mostly. */
  #batchInto(writing: Writing): Batch {
    if (this.#batch?.writing !== writing) this.#batch = { writing, batch: this.#batchOf(writing) };
    return this.#batch.batch;
  }

  #batchOf(writing: Writing): Batch {
    const put: Writing["put"] = (table, key, value) => writing.put(table, key, value);
    const remove: Writing["remove"] = (table, key) => writing.remove(table, key);
    return {
      photo({ userId, jobId }, photo) {
        put("jobs", keyOf(keyOf(userId, jobId), photo.photoId), encodePhoto(photo));
      },
      job(kept, before) {
        const { job } = kept;
        const key = keyOf(job.userId, job.jobId);
        put("jobs", key, encodeJob(kept));
        const wasQuiet = before === null ? null : isQuiet(before);
        if (isQuiet(job) !== wasQuiet) {
          if (isQuiet(job)) remove("open", key);
          else put("open", key, "");
        }
        if (job.ended !== null && (before?.ended ?? null) === null)
          put("ended", keyOf(endTime(kept), key), "");
      },
      dropJob: (kept) => {
        const { userId, jobId } = kept.job;
        const key = keyOf(userId, jobId);
        for (const photo of [...this.#tables.photoKeysBelow(key)]) remove("jobs", photo);
        remove("jobs", key);
        remove("open", key);
        if (kept.job.ended !== null) remove("ended", keyOf(endTime(kept), key));
        if (this.ownerOf("job", jobId) === userId) remove("owners", keyOf("job", jobId));
      },
      user: (userId, { startSeq, headSeq, prunedSeq }) =>
        put("users", userId, JSON.stringify({ startSeq, headSeq, prunedSeq })),
      dropUser: (userId) => remove("users", userId),
      owner(kind, id, userId, atUnixMs) {
        put("owners", keyOf(kind, id), userId);
        if (kind === "upload") put("uploads", keyOf(timeKey(atUnixMs), id), userId);
      },
      dropUpload({ id, atUnixMs }) {
        remove("owners", keyOf("upload", id));
        remove("uploads", keyOf(timeKey(atUnixMs), id));
      },
      floorSeq: (floorSeq) => put("root", "floorSeq", String(floorSeq)),
    };
  }
}

/** One part more. */
function keyOf(key: string, part: string): string {
  return key + SEPARATOR + part;
}

function partsOf(key: string): readonly string[] {
  return key.split(SEPARATOR);
}

/** A commit that fails rejects a promise of LMDB's own too, which nobody can get hold of. */
function ignoreCommitError(reason: unknown): void {
  if (reason instanceof Error && "commitError" in reason) return;
  throw reason;
}

function endTime({ endedUnixMs }: KeptJob): string {
  return timeKey(endedUnixMs ?? 0);
}

/** Sorts as the time does. */
function timeKey(unixMs: number): string {
  return String(Math.max(0, unixMs)).padStart(16, "0");
}
