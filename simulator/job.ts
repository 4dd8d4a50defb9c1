import type { EventData, EventType, Happening } from "./event.ts";
import type { Line } from "./line.ts";
import type { AttemptPlan, JobPlan, PhotoPlan } from "./plan.ts";
import type { Profile } from "./profile.ts";

/** A photo under way, or between two attempts. */
interface Upload {
  readonly photo: PhotoPlan;
  plan: AttemptPlan;
  /** From 1. */
  attempt: number;
  /** What it does next, at `dueMs`. */
  next: "start" | "move" | "end";
  dueMs: number;
  /** With fractions; told are whole ones. */
  bytes: number;
  /** Since `sinceMs`. */
  bytesPerSecond: number;
  sinceMs: number;
}

const ERRORS = [
  { code: "connection_lost", message: "the connection was reset" },
  { code: "checksum_mismatch", message: "the bytes are not those that were sent" },
  { code: "storage_unavailable", message: "the storage did not answer in time" },
] as const;
/** What is left of the last byte by the rounding of numbers. */
const WHOLE = 0.5;
const NOTHING: AttemptPlan = { waitMs: 0, resumes: false, bytesAtEnd: 0, ending: "completes" };

/** What happens in one job, in the order of the simulated clock, as many photos at a time as the profile says. */
export class Job {
  readonly #plan: JobPlan;
  readonly #line: Line;
  readonly #options: Profile["upload"];
  readonly #leavesMs: number;
  readonly #uploads: Upload[] = [];
  #phase: "created" | "uploads" | "over" = "created";
  #nowMs: number;
  /** Events so far, photos that have begun, and photos that have ended. */
  #count = 0;
  #begun = 0;
  #ended = 0;

  constructor(plan: JobPlan, startMs: number, line: Line, options: Profile["upload"]) {
    this.#plan = plan;
    this.#line = line;
    this.#options = options;
    this.#nowMs = startMs;
    this.#leavesMs = startMs + (plan.leavesAfterMs ?? Number.POSITIVE_INFINITY);
  }

  /** null: there is no more. */
  next(): Happening | null {
    if (this.#phase === "created") return this.#create();
    while (this.#phase === "uploads") {
      const upload = this.#earliest();
      if (upload === null) return this.#close();
      this.#nowMs = upload.dueMs;
      if (this.#nowMs >= this.#leavesMs) {
        this.#phase = "over";
        return null;
      }
      const event = this.#step(upload);
      if (event !== null) return event;
    }
    return null;
  }

  #create(): Happening {
    const { jobId, userId, title, photos, isAnnounced } = this.#plan;
    this.#phase = "uploads";
    this.#begin();
    const isKnown = photos.every(({ sizeKnown }) => sizeKnown);
    const totalBytes = photos.reduce((sum, { bytes }) => sum + bytes, 0);
    const announced = isAnnounced ? { photoCount: photos.length, ...(isKnown && { totalBytes }) } : {};
    return this.#tell("uploadjob.created", { jobId, userId, title, ...announced });
  }

  #close(): Happening | null {
    const { jobId, userId, photos, isClosed } = this.#plan;
    this.#phase = "over";
    return isClosed ? this.#tell("uploadjob.completed", { jobId, userId, photoCount: photos.length }) : null;
  }

  /** null: nobody is told of it. */
  #step(upload: Upload): Happening | null {
    switch (upload.next) {
      case "start":
        return this.#start(upload);
      case "move":
        return this.#move(upload);
      case "end":
        return this.#end(upload);
    }
  }

  #start(upload: Upload): Happening {
    const { jobId, userId } = this.#plan;
    const { photo, attempt } = upload;
    const { photoId, fileName, sizeKnown, bytes: totalBytes } = photo;
    upload.next = "move";
    this.#go(upload);
    // Each is made at once here and below: a copy takes several times as long.
    const data = sizeKnown
      ? { photoId, jobId, userId, attempt, fileName, totalBytes }
      : { photoId, jobId, userId, attempt, fileName };
    return this.#tell("photo.upload.started", data);
  }

  #move(upload: Upload): Happening | null {
    const { jobId, userId } = this.#plan;
    const { photo, attempt, plan, bytes } = upload;
    const moved = ((this.#nowMs - upload.sinceMs) * upload.bytesPerSecond) / 1_000;
    upload.bytes = plan.bytesAtEnd - bytes - moved < WHOLE ? plan.bytesAtEnd : bytes + moved;
    this.#go(upload);
    const bytesTransferred = Math.floor(upload.bytes);
    if (bytesTransferred <= Math.floor(bytes)) return null;
    const { photoId, sizeKnown, bytes: totalBytes } = photo;
    const data = sizeKnown
      ? { photoId, jobId, userId, attempt, totalBytes, bytesTransferred }
      : { photoId, jobId, userId, attempt, bytesTransferred };
    return this.#tell("photo.upload.progressed", data);
  }

  #end(upload: Upload): Happening | null {
    const { jobId, userId, cancelledAfter } = this.#plan;
    const event = this.#ending(upload);
    if (this.#retry(upload)) return event;
    this.#ended += 1;
    this.#uploads.splice(this.#uploads.indexOf(upload), 1);
    this.#begin();
    if (cancelledAfter === null || this.#ended <= cancelledAfter) return event;
    this.#phase = "over";
    return this.#tell("uploadjob.cancelled", { jobId, userId });
  }

  #ending({ photo: { photoId, bytes: totalBytes }, attempt, plan }: Upload): Happening | null {
    const { jobId, userId } = this.#plan;
    switch (plan.ending) {
      case "completes":
        return this.#tell("photo.upload.completed", { photoId, jobId, userId, attempt, totalBytes });
      case "cancels":
        return this.#tell("photo.upload.cancelled", { photoId, jobId, userId, attempt });
      case "fails": {
        const error = ERRORS[this.#count % ERRORS.length] ?? ERRORS[0];
        return this.#tell("photo.upload.failed", { photoId, jobId, userId, attempt, error });
      }
      case "dies":
        return null;
    }
  }

  /** False: it was the last attempt. */
  #retry(upload: Upload): boolean {
    const plan = upload.photo.attempts[upload.attempt];
    if (plan === undefined) return false;
    upload.bytes = plan.resumes ? Math.min(upload.bytes, plan.bytesAtEnd) : 0;
    upload.plan = plan;
    upload.attempt += 1;
    upload.next = "start";
    upload.dueMs = this.#nowMs + plan.waitMs;
    return true;
  }

  #begin(): void {
    const { photos } = this.#plan;
    while (this.#uploads.length < this.#options.atOnce) {
      const photo = photos[this.#begun];
      if (photo === undefined) return;
      this.#begun += 1;
      const [plan = NOTHING] = photo.attempts;
      const atRest = { bytes: 0, bytesPerSecond: 0, sinceMs: this.#nowMs };
      this.#uploads.push({ photo, plan, attempt: 1, next: "start", dueMs: this.#nowMs, ...atRest });
    }
  }

  /** Until it is to be looked at again: its bytes are all there, the producer tells, or the line changes. */
  #go(upload: Upload): void {
    const { progressEvery, processing } = this.#options;
    const { bytesPerSecond, untilMs } = this.#line.at(this.#nowMs);
    const share = bytesPerSecond / Math.max(1, this.#moving());
    const left = upload.plan.bytesAtEnd - upload.bytes;
    upload.sinceMs = this.#nowMs;
    upload.bytesPerSecond = share;
    if (left < WHOLE) {
      upload.next = "end";
      upload.dueMs = this.#nowMs + processing;
    } else if (share === 0) upload.dueMs = untilMs;
    else upload.dueMs = this.#nowMs + Math.min(progressEvery, (left * 1_000) / share);
  }

  /** How many share the line. */
  #moving(): number {
    let moving = 0;
    for (const { next } of this.#uploads) if (next === "move") moving += 1;
    return moving;
  }

  #earliest(): Upload | null {
    let first: Upload | null = null;
    for (const upload of this.#uploads) if (first === null || upload.dueMs < first.dueMs) first = upload;
    return first;
  }

  #tell(type: EventType, data: EventData): Happening {
    this.#count += 1;
    return { atMs: this.#nowMs, type, data, count: this.#count };
  }
}
