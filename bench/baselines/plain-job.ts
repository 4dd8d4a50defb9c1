import type { PhotoData, UploadData } from "./events.ts";
import { type JobMessage, type PhotoFacts, type PhotoKind, progressOf } from "./messages.ts";

interface Photo extends PhotoFacts {
  readonly status: PhotoKind["status"];
}

const RATE_AFTER_MS = 1_000;

/** Totals are kept by adding what changes, so that an event costs the same in a job of ten thousand photos. */
export class PlainJob {
  readonly userId: string;
  readonly #startedMs = Date.now();
  readonly #photos = new Map<string, Photo>();
  readonly #counts: Record<Photo["status"], number> = { UPLOADING: 0, COMPLETED: 0, FAILED: 0, CANCELLED: 0 };
  #bytes = 0;
  #knownBytes = 0;
  #photosOfUnknownSize = 0;
  #declaredPhotos: number | null = null;
  #declaredBytes: number | null = null;
  #title: string | null = null;
  /** What the producer has said of its end. */
  #said: "nothing" | "completed" | "cancelled" = "nothing";
  #progress: number | null = null;
  #totalsVersion = 1;

  constructor(userId: string) {
    this.userId = userId;
  }

  /** null: a duplicate, late, or of an attempt that is over. */
  applyToPhoto({ status }: PhotoKind, data: PhotoData): PhotoFacts | null {
    const before = this.#photos.get(data.photoId);
    const attempt = data.attempt ?? before?.attempt ?? 1;
    const isNext = before === undefined || attempt > before.attempt;
    if (!isNext && (attempt < before.attempt || before.status !== "UPLOADING")) return null;
    const total = data.totalBytes ?? before?.total ?? null;
    const sofar = Math.max(isNext ? 0 : before.bytes, data.bytesTransferred ?? 0);
    const bytes = status === "COMPLETED" ? (total ?? sofar) : sofar;
    if (!isNext && status === "UPLOADING" && bytes === before.bytes && total === before.total) return null;

    if (before !== undefined) this.#count(before, -1);
    const photo: Photo = { bytes, total, attempt, status };
    this.#photos.set(data.photoId, photo);
    this.#count(photo, 1);
    return photo;
  }

  apply(type: string, { photoCount, totalBytes, title }: UploadData): void {
    this.#title = title ?? this.#title;
    this.#declaredPhotos = photoCount ?? this.#declaredPhotos;
    this.#declaredBytes = totalBytes ?? this.#declaredBytes;
    if (type === "uploadjob.completed") this.#said = "completed";
    if (type === "uploadjob.cancelled") this.#said = "cancelled";
  }

  /** Of its present state: `job_completed` when that is its end. */
  message(jobId: string, id: string): JobMessage {
    const nowMs = Date.now();
    const ending = this.#ending();
    const total = this.#declaredBytes ?? (this.#photosOfUnknownSize === 0 ? this.#knownBytes : null);
    const progress = ending === null ? progressOf(this.#bytes, total) : 100;
    if ((progress ?? 0) < (this.#progress ?? 0)) this.#totalsVersion += 1;
    this.#progress = progress;
    const { UPLOADING, COMPLETED, FAILED, CANCELLED } = this.#counts;
    return {
      type: ending === null ? "job_progress" : "job_completed",
      jobId,
      progress,
      status: ending ?? "UPLOADING",
      timestamp: new Date(nowMs).toISOString(),
      id,
      bytesTransferred: this.#bytes,
      totalBytes: total,
      photos: {
        total: Math.max(this.#declaredPhotos ?? 0, this.#photos.size),
        completed: COMPLETED,
        failed: FAILED,
        cancelled: CANCELLED,
        active: UPLOADING,
      },
      totalsVersion: this.#totalsVersion,
      ...(ending === null ? this.#rate(total, nowMs) : {}),
      ...(this.#title === null ? {} : { title: this.#title }),
    };
  }

  #count({ bytes, total, status }: Photo, sign: 1 | -1): void {
    this.#counts[status] += sign;
    this.#bytes += sign * bytes;
    this.#knownBytes += sign * (total ?? 0);
    if (total === null) this.#photosOfUnknownSize += sign;
  }

  /** The status it ends with; null: it goes on. */
  #ending(): string | null {
    if (this.#said === "cancelled") return "CANCELLED";
    const { UPLOADING, COMPLETED, FAILED, CANCELLED } = this.#counts;
    // A failed photo may be tried again, unless the producer has said that it is done.
    const isReached = this.#declaredPhotos !== null && COMPLETED + CANCELLED >= this.#declaredPhotos;
    if (UPLOADING > 0 || (this.#said !== "completed" && !isReached)) return null;
    if (FAILED === 0) return COMPLETED === 0 && CANCELLED > 0 ? "CANCELLED" : "COMPLETED";
    return COMPLETED > 0 ? "PARTIAL" : "FAILED";
  }

  /** Mean since the job began. */
  #rate(total: number | null, nowMs: number): Pick<JobMessage, "bytesPerSecond" | "etaSeconds"> {
    const elapsedMs = nowMs - this.#startedMs;
    if (elapsedMs < RATE_AFTER_MS) return { bytesPerSecond: null, etaSeconds: null };
    const bytesPerSecond = Math.round((1_000 * this.#bytes) / elapsedMs);
    const remaining = total === null ? null : Math.max(0, total - this.#bytes);
    const isKnown = remaining !== null && bytesPerSecond > 0;
    return { bytesPerSecond, etaSeconds: isKnown ? Math.ceil(remaining / bytesPerSecond) : null };
  }
}
