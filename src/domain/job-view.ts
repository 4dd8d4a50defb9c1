import type { Job } from "./job.ts";
import { DONE, type Tenths } from "./percent.ts";
import type { PhotoCounts } from "./tally.ts";

export type JobStatus = "COMPLETED" | "PARTIAL" | "FAILED" | "CANCELLED";

/** What a message says of a job; rate and ETA come on top, since alone they are no news. */
export interface JobView {
  readonly status: "UPLOADING" | JobStatus;
  readonly bytes: number;
  /** null: unknown. */
  readonly total: number | null;
  /** null: there is nothing to count yet. */
  readonly tenths: Tenths | null;
  readonly estimated: boolean;
  readonly remaining: number | null;
  readonly photos: PhotoCounts;
  readonly title: string | null;
}

/** The present view; once the end was shown, as it was shown (progress-rules.md 15). */
export function jobViewOf(job: Job): JobView {
  if (job.shown !== null && isEndShown(job.shown.view)) return job.shown.view;
  const totals = job.tally.totals(job.declared);
  const hasEnded = job.ended !== null;
  // Field by field: of a spread with more fields V8 keeps a description each, 400 bytes a job.
  return {
    status: job.ended?.status ?? "UPLOADING",
    bytes: totals.bytes,
    total: totals.total,
    tenths: hasEnded ? DONE : totals.tenths,
    estimated: hasEnded ? false : totals.estimated,
    remaining: hasEnded ? 0 : totals.remaining,
    photos: totals.photos,
    title: job.title,
  };
}

export function isEndShown(view: JobView): boolean {
  return view.status !== "UPLOADING";
}

/** Is there anything new to tell but rate and ETA? (rule 17) */
export function isJobNews(before: JobView, after: JobView): boolean {
  return (
    before.status !== after.status ||
    before.tenths !== after.tenths ||
    before.bytes !== after.bytes ||
    before.total !== after.total ||
    before.estimated !== after.estimated ||
    before.title !== after.title ||
    before.photos.total !== after.photos.total ||
    before.photos.completed !== after.photos.completed ||
    before.photos.failed !== after.photos.failed ||
    before.photos.cancelled !== after.photos.cancelled ||
    before.photos.active !== after.photos.active
  );
}

/** Rule 13: rises where the shown percent would fall, so that a client that missed the step can tell. */
export function totalsVersionOf(job: Job, view: JobView): number {
  if (job.shown === null) return 1;
  const before = job.shown.view.tenths;
  const falls = before !== null && (view.tenths === null || view.tenths < before);
  return falls ? job.shown.totalsVersion + 1 : job.shown.totalsVersion;
}

/** How the job ends, from what is known of its photos now (rule 15). */
export function endStatusOf(job: Job): JobStatus {
  if (job.cancelledHeard) return "CANCELLED";
  const { completed, failed, cancelled, known } = job.tally;
  const missing = Math.max(0, (job.declared.photoCount ?? 0) - known);
  if (failed === 0 && missing === 0) return known > 0 && cancelled === known ? "CANCELLED" : "COMPLETED";
  return completed > 0 ? "PARTIAL" : "FAILED";
}
