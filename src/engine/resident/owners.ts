import type { OwnedKind } from "../store.ts";
import type { Batch, Disk, Upload } from "./disk.ts";

/** Without a disk: more uploads than this, and the oldest is forgotten; its later hooks show their own token. */
const MAX_UPLOADS = 1_000_000;

/** Whose a job id is, and an upload's. What was bound and is not written yet counts as bound. */
export class Owners {
  readonly #disk: Disk | null;
  readonly #unixMs: () => number;
  readonly #bound = { job: new Map<string, string>(), upload: new Map<string, string>() };

  constructor(disk: Disk | null, unixMs: () => number) {
    this.#disk = disk;
    this.#unixMs = unixMs;
  }

  get(kind: OwnedKind, id: string): string | null {
    return this.#bound[kind].get(id) ?? this.#disk?.ownerOf(kind, id) ?? null;
  }

  /** Gives the user that the id is bound to, which is `userId` unless it was bound before. */
  bind(kind: OwnedKind, id: string, userId: string): string {
    const owner = this.get(kind, id);
    if (owner !== null) return owner;
    const bound = this.#bound[kind];
    bound.set(id, userId);
    if (this.#disk === null && kind === "upload" && bound.size > MAX_UPLOADS) {
      for (const oldest of bound.keys()) {
        bound.delete(oldest);
        break;
      }
    }
    return userId;
  }

  release(kind: OwnedKind, id: string, userId: string): void {
    if (this.#bound[kind].get(id) === userId) this.#bound[kind].delete(id);
  }

  /** Of everything of the user; jobs' ids on disk go with the jobs. */
  releaseAll(userId: string): void {
    for (const bound of Object.values(this.#bound)) {
      for (const [id, owner] of bound) if (owner === userId) bound.delete(id);
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

  /** Writes what is not written; gives what to do when that is committed. */
  write(batch: Batch): () => void {
    const written: (() => void)[] = [];
    for (const kind of ["job", "upload"] as const) {
      for (const [id, userId] of this.#bound[kind]) {
        batch.owner(kind, id, userId, this.#unixMs());
        written.push(() => this.release(kind, id, userId));
      }
    }
    return () => {
      for (const forget of written) forget();
    };
  }
}
