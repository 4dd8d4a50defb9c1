/**
 * Full jitter: a random time up to an exponentially growing cap, so that many clients spread out.
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. `attempt` counts from 0.
 */
export function fullJitterMs(attempt: number, random: () => number = Math.random): number {
  return Math.round(random() * Math.min(10_000, 500 * 2 ** Math.min(attempt, 10)));
}
