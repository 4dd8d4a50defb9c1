/**
 * The times the rules speak of, all in milliseconds. Source: progress-rules.md, by number.
 */
export interface Rules {
  /** Uploading without new bytes for this long is `stalled` (rule 10). */
  readonly stallAfterMs: number;
  /** No event for this long ends a photo as `timeout` (rule 10), and a job whose declared count never came (rule 14). */
  readonly expireAfterMs: number;
  /** A reached job with a failed photo waits this long for a retry, unless `uploadjob.completed` was heard (rule 14). */
  readonly retryGraceMs: number;
  /** A job that nobody declared ends after this long without an event, all its photos settled (rule 14). */
  readonly jobIdleMs: number;
}

/** `uploadjob.completed` without any count: silence after which the job ends, all photos settled (rule 14). */
export const COMPLETED_SETTLED_MS = 2_000;
/** The same with photos still open. */
export const COMPLETED_OPEN_MS = 5_000;
