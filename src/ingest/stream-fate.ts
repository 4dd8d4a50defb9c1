import { type ErrorCode, errorCatalogue } from "../errors.ts";

/**
 * What becomes of an entry whose event was not taken.
 * `dead`: it can never be. `later`: it may be once others were (its job's owner, the end of another job); it is given
 * again, a bounded number of times. `hold`: the hub takes nothing now; it is tried again for as long as that lasts.
 */
export type Fate = "dead" | "later" | "hold";

/** Deliveries, about two minutes in all, before what could be taken later is given up. */
export const MAX_DELIVERIES = 10;

const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 20_000;

export function fateOf(code: ErrorCode, deliveries: number): Fate {
  if (code === "owner_unknown" || code === "too_many_jobs")
    return deliveries < MAX_DELIVERIES ? "later" : "dead";
  return errorCatalogue[code].retryable ? "hold" : "dead";
}

/** Milliseconds until an entry that was given so often is given again; doubles each time up to 20 s. */
export function retryAfterMs(deliveries: number): number {
  return Math.min(MAX_RETRY_MS, MIN_RETRY_MS * 2 ** (deliveries - 1));
}
