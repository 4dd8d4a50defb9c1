import type { Target } from "./target.ts";

/** The hub that is measured has ended, or does not answer any more. */
export class TargetDied extends Error {
  override readonly name = "TargetDied";
}

/** What `work` gives. Rejects with `TargetDied` as soon as one of the targets has ended, and when `signal` aborts. */
export async function whileAlive<Value>(
  targets: readonly Target[],
  signal: AbortSignal,
  work: Promise<Value>,
): Promise<Value> {
  // Who waits for it no more must not be ended by it.
  work.catch(() => undefined);
  signal.throwIfAborted();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  const deaths = targets.map(({ ended }) => ended.then((reason) => Promise.reject(new TargetDied(reason))));
  try {
    return await Promise.race([work, aborted, ...deaths]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
