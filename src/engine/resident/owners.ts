import { keepNewest } from "../keep-newest.ts";
import type { OwnedKind } from "../store.ts";
import type { Batch, Disk, Upload } from "./disk.ts";

/** Without a disk: more uploads than this, and the oldest is forgotten; its later hooks show their own token. */
const MAX_UPLOADS = 1_000_000;
/** Every event of a job asks whose it is. */
const MAX_READ_JOBS = 10_000;

/** An id that is bound and not written yet. */
interface Binding {
  readonly kind: OwnedKind;
  readonly id: string;
  readonly userId: string;
}

/** Whose a job id is, and an upload's. What was bound and is not written yet counts as bound. */
export class Owners {
  readonly #disk: Disk | null;
  readonly #unixMs: () => number;
  readonly #bound = { job: new Map<string, string>(), upload: new Map<string, string>() };
  /** Owners of jobs as they are on disk, those that were read lately. */
  readonly #readJobs = new Map<string, string>();

  constructor(disk: Disk | null, unixMs: () => number) {
    this.#disk = disk;
    this.#unixMs = unixMs;
  }

  get(kind: OwnedKind, id: string): string | null {
    return this.#bound[kind].get(id) ?? this.#read(kind, id);
  }

  /** Gives the user that the id is bound to, which is `userId` unless it was bound before. */
  bind(kind: OwnedKind, id: string, userId: string): string {
    const owner = this.get(kind, id);
    if (owner !== null) return owner;
    const bound = this.#bound[kind];
    bound.set(id, userId);
    if (this.#disk === null && kind === "upload") keepNewest(bound, MAX_UPLOADS);
    return userId;
  }

  release(kind: OwnedKind, id: string, userId: string): void {
    if (this.#bound[kind].get(id) === userId) this.#bound[kind].delete(id);
    if (kind === "job") this.#readJobs.delete(id);
  }

  /** Of everything of the user; jobs' ids on disk go with the jobs. */
  releaseAll(userId: string): void {
    for (const owners of [this.#bound.job, this.#bound.upload, this.#readJobs]) {
      for (const [id, owner] of owners) if (owner === userId) owners.delete(id);
    }
  }

  /** What `releaseAll` is going to do, for the disk. */
  writeReleaseAll(batch: Batch, userId: string): void {
    for (const upload of this.#disk?.uploads() ?? []) if (upload.userId === userId) batch.dropUpload(upload);
  }

  /** Uploads bound before a time, oldest first. */
  *uploadsUntil(unixMs: number): Generator<Upload> {
    for (const upload of this.#disk?.uploads() ?? []) {
      if (upload.atUnixMs > unixMs) return;
      yield upload;
    }
  }

  /** Writes what is not written; gives it, for `written` when that is committed. */
  write(batch: Batch): readonly Binding[] {
    const bindings: Binding[] = [];
    for (const kind of ["job", "upload"] as const) {
      for (const [id, userId] of this.#bound[kind]) {
        batch.owner(kind, id, userId, this.#unixMs());
        bindings.push({ kind, id, userId });
      }
    }
    return bindings;
  }

  written(bindings: readonly Binding[]): void {
    for (const { kind, id, userId } of bindings) this.release(kind, id, userId);
  }

  #read(kind: OwnedKind, id: string): string | null {
    if (this.#disk === null) return null;
    if (kind === "upload") return this.#disk.ownerOf(kind, id);
    const known = this.#readJobs.get(id);
    if (known !== undefined) return known;
    const owner = this.#disk.ownerOf(kind, id);
    if (owner !== null) {
      this.#readJobs.set(id, owner);
      keepNewest(this.#readJobs, MAX_READ_JOBS);
    }
    return owner;
  }
}
