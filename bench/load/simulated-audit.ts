import type { Simulated } from "../schedule/simulated.ts";
import { jobIdOf } from "../schedule/steady.ts";
import {
  type AuditCounts,
  type AuditRules,
  type ClientAudit,
  NO_FINDINGS,
  type Received,
  type Sample,
} from "./audit.ts";
import { Numbering } from "./numbering.ts";
import { type JobTruth, jobTruth, type PhotoTruth } from "./truth.ts";

/** What became of a simulated job, beside what `AuditCounts` has. */
export interface SimulatedCounts {
  /** Progress events of its photos. */
  events: number;
  /** Messages of them that were shown: the more events a message, the more was merged. */
  photoMessages: number;
  /** Last endings of photos, and of jobs, that never came. */
  endingsLost: number;
  /** Photos and jobs whose last view is not what was sent. */
  untrue: number;
}

/** Where a photo is: attempts follow each other, in each come bytes, then its ending. */
interface Shown {
  attempt: number;
  /** Infinity: ended. */
  bytes: number;
  /** In microseconds of the run. */
  atUs: number;
  last: Received | null;
}

/** Of one client, of one simulated load. */
export class SimulatedAudit implements ClientAudit {
  readonly counts: AuditCounts = { ...NO_FINDINGS };
  readonly simulated: SimulatedCounts;
  readonly #truth: JobTruth;
  readonly #jobId: string;
  readonly #rules: AuditRules;
  readonly #numbering: Numbering;
  readonly #shown: Map<string, Shown>;
  readonly #hasFailed: boolean;
  /** Photos whose last ending has not come. */
  #open: number;
  #jobEnd: Received | null = null;

  constructor(schedule: Simulated, user: number, rules: AuditRules) {
    this.#truth = jobTruth(schedule, user);
    this.#jobId = jobIdOf(schedule.run, user, schedule.name);
    this.#rules = rules;
    this.#numbering = new Numbering(rules, this.counts);
    this.#hasFailed = [...this.#truth.photos.values()].some(({ isCompleted }) => !isCompleted);
    const never = { attempt: 0, bytes: 0, atUs: Number.NEGATIVE_INFINITY, last: null };
    this.#shown = new Map([...this.#truth.photos.keys()].map((photoId) => [photoId, { ...never }]));
    this.#open = this.#truth.photos.size;
    this.simulated = { events: this.#truth.progressEvents, photoMessages: 0, endingsLost: 0, untrue: 0 };
  }

  /** A job with a photo that failed for good waits for a retry longer than a drain does. */
  get isFinished(): boolean {
    return this.#open === 0 && (this.#jobEnd !== null || this.#hasFailed);
  }

  connected(lastId: string | null): void {
    this.#numbering.synced(lastId);
  }

  disconnected(): void {
    this.#numbering.disconnected();
  }

  take(message: Received, nowUs: number): Sample | null {
    const { id, type, jobId, photoId } = message;
    if (id === undefined) return null;
    if (type === "synced") {
      this.#numbering.synced(id);
      return null;
    }
    if (this.#numbering.orderOf(id) === "again" || jobId !== this.#jobId) return null;
    if (photoId !== undefined) return this.#photo(photoId, message, nowUs);
    if (type === "job_completed") {
      if (this.#jobEnd !== null && this.#numbering.isLive) this.counts.duplicate += 1;
      this.#jobEnd = message;
    }
    return null;
  }

  /** No event need be shown: newer ones come while it is held back. */
  finish(): void {
    const { photos } = this.#truth;
    this.simulated.endingsLost += this.#open + (this.#jobEnd !== null || this.#hasFailed ? 0 : 1);
    for (const [photoId, truth] of photos) {
      const last = this.#shown.get(photoId)?.last ?? null;
      if (last === null || !isTrue(last, truth)) this.simulated.untrue += 1;
    }
    if (this.#jobEnd !== null && !this.#hasFailed && !this.#isJobTrue(this.#jobEnd))
      this.simulated.untrue += 1;
  }

  #photo(photoId: string, message: Received, nowUs: number): Sample | null {
    const truth = this.#truth.photos.get(photoId);
    const shown = this.#shown.get(photoId);
    const { type, attempt = 0, bytesTransferred = 0, stalled } = message;
    const planned = truth?.attempts[attempt - 1];
    if (truth === undefined || shown === undefined || planned === undefined) {
      this.counts.foreign += 1;
      return null;
    }
    const heldUs = shown.atUs + this.#rules.photoIntervalMs * 1_000;
    shown.atUs = nowUs;
    shown.last = message;
    const hasEnded = type === "upload_completed" || type === "upload_failed";
    if (type === "upload_progress") this.simulated.photoMessages += 1;
    if (stalled === true || !this.#isNews(shown, attempt, hasEnded, type, bytesTransferred)) return null;
    if (hasEnded) {
      if (attempt === truth.attempts.length) this.#open -= 1;
      return this.#numbering.isLive ? { kind: "ending", dueUs: planned.endUs } : null;
    }
    if (type === "upload_started") return null;
    const dueUs = planned.progress.get(bytesTransferred);
    if (dueUs === undefined) {
      this.counts.foreign += 1;
      return null;
    }
    if (!this.#numbering.isLive) return null;
    return { kind: dueUs < heldUs ? "trailing" : "leading", dueUs };
  }

  /** Moves on to it; false: it takes the photo nowhere, which while live is a finding. */
  #isNews(shown: Shown, attempt: number, hasEnded: boolean, type: string, told: number): boolean {
    const bytes = hasEnded ? Number.POSITIVE_INFINITY : type === "upload_started" ? -1 : told;
    const isAfter = attempt > shown.attempt || (attempt === shown.attempt && bytes > shown.bytes);
    if (isAfter) {
      shown.attempt = attempt;
      shown.bytes = bytes;
      return true;
    }
    if (!this.#numbering.isLive) return false;
    if (attempt === shown.attempt && bytes === shown.bytes) this.counts.duplicate += 1;
    else this.counts.disordered += 1;
    return false;
  }

  #isJobTrue({ status, bytesTransferred, totalBytes, photos }: Received): boolean {
    const bytes = [...this.#truth.photos.values()].reduce((sum, photo) => sum + (photo.bytes ?? 0), 0);
    const count = this.#truth.photos.size;
    return (
      status === "COMPLETED" &&
      bytesTransferred === bytes &&
      totalBytes === bytes &&
      photos?.total === count &&
      photos.completed === count
    );
  }
}

/** The photo's last message is its last ending, as it was sent. */
function isTrue(
  { type, attempt, bytesTransferred }: Received,
  { attempts, isCompleted, bytes }: PhotoTruth,
): boolean {
  if (attempt !== attempts.length) return false;
  return isCompleted
    ? type === "upload_completed" && bytesTransferred === bytes
    : type === "upload_failed" && bytesTransferred === attempts.at(-1)?.bytesAtEnd;
}
