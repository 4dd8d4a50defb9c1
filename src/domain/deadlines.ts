import type { Job } from "./job.ts";
import { isSettled } from "./photo.ts";
import { isStallable, type Photo } from "./photo-view.ts";
import { COMPLETED_OPEN_MS, COMPLETED_SETTLED_MS, type Rules } from "./rules.ts";

/** Timers as data: when silence alone will change something. Monotonic milliseconds; null: never. */
export function nextPhotoDeadline(photo: Photo, rules: Rules): number | null {
  if (isSettled(photo.state)) return null;
  const expiry = photo.lastEventAtMs + rules.expireAfterMs;
  if (photo.stalled || !isStallable(photo.state)) return expiry;
  return Math.min(expiry, photo.lastBytesAtMs + rules.stallAfterMs);
}

/** What silence has done to the photo by now. */
export function photoLapse(photo: Photo, nowMs: number, rules: Rules): "expired" | "stalled" | null {
  if (isSettled(photo.state)) return null;
  if (nowMs >= photo.lastEventAtMs + rules.expireAfterMs) return "expired";
  if (photo.stalled || !isStallable(photo.state)) return null;
  return nowMs >= photo.lastBytesAtMs + rules.stallAfterMs ? "stalled" : null;
}

/** When the job ends if nothing more is heard (rule 14): now or earlier = at once, null = its photos must move first. */
export function nextJobDeadline(job: Job, rules: Rules): number | null {
  if (job.ended !== null) return null;
  if (job.cancelledHeard) return AT_ONCE;
  const { active, failed, known } = job.tally;
  const declaredCount = job.declared.photoCount;
  if (declaredCount !== null) {
    if (known < declaredCount) return job.lastEventAtMs + rules.expireAfterMs;
    if (active > 0) return null;
    return failed === 0 || job.completedHeard ? AT_ONCE : job.lastEndingAtMs + rules.retryGraceMs;
  }
  if (job.completedHeard) {
    return job.lastEventAtMs + (active > 0 ? COMPLETED_OPEN_MS : COMPLETED_SETTLED_MS);
  }
  // Somebody may be choosing photos for minutes: a job without any is not settled, it has not begun.
  if (known === 0) return job.lastEventAtMs + rules.expireAfterMs;
  return active > 0 ? null : job.lastEventAtMs + rules.jobIdleMs;
}

const AT_ONCE = Number.NEGATIVE_INFINITY;
