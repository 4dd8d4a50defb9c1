import type { Fault } from "./faults.ts";

export interface FaultRow extends Omit<Fault, "total"> {
  /** As far as one can know: since the processes began that count it, and no less than was seen since. */
  readonly sinceStart: number;
  /** Since the page is open. */
  readonly sinceOpened: number;
  /** Unix milliseconds at which it was last seen to happen; null: before the page was open. */
  readonly lastMs: number | null;
  /** As the hub last told it; less than before: whoever counts it has begun anew. */
  readonly told: number;
}

/** There are as many as there are codes, kinds and gateways; gateways get new names, so the oldest rows go beyond this. */
const MAX_ROWS = 100;

/** `rows` null: these are the first. Newest first; those from before the page was open come last, most often first. */
export function noted(
  rows: readonly FaultRow[] | null,
  faults: readonly Fault[],
  nowMs: number,
): readonly FaultRow[] {
  const known = new Map(rows?.map((row) => [row.key, row]));
  for (const { total, ...fault } of faults) {
    const before = known.get(fault.key);
    if (rows === null) {
      known.set(fault.key, { ...fault, sinceStart: total, sinceOpened: 0, lastMs: null, told: total });
      continue;
    }
    const told = before?.told ?? 0;
    const more = total < told ? total : total - told;
    known.set(fault.key, {
      ...fault,
      sinceStart: (before?.sinceStart ?? 0) + more,
      sinceOpened: (before?.sinceOpened ?? 0) + more,
      lastMs: more > 0 ? nowMs : (before?.lastMs ?? null),
      told: total,
    });
  }
  return [...known.values()]
    .toSorted((a, b) => (b.lastMs ?? 0) - (a.lastMs ?? 0) || b.sinceStart - a.sinceStart)
    .slice(0, MAX_ROWS);
}
