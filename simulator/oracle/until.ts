import { setTimeout as wait } from "node:timers/promises";

const LOOK_EVERY_MS = 25;

/** Looks until there is something (not null, undefined or false) and gives it back; else rejects with `what`. */
export async function until<T>(
  look: () => T | Promise<T>,
  what: string,
  deadlineMs: number,
  /** Added to the message when time is up: what there was instead. */
  story: () => string = () => "",
): Promise<Exclude<T, null | undefined | false>> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (isThere(found)) return found;
    if (performance.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${what}\n${story()}`);
    await wait(LOOK_EVERY_MS);
  }
}

function isThere<T>(found: T): found is Exclude<T, null | undefined | false> {
  return found !== null && found !== undefined && found !== false;
}
