import type { Progress } from "../progress.ts";
import type { RunOutcome } from "../run.ts";
import { type Turns, TurnTaking } from "../turns.ts";
import { sharedProgress } from "./shared-progress.ts";

/** What a side is given of what both have. */
export interface Shared {
  readonly turns: Turns;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Runs all sides at the same time; resolves when all have ended. Where one dies or breaks the others are ended, since what
 * they would measure is of no use: they are not among the outcomes then. Rejects with what broke first, or where `signal`
 * aborts.
 */
export async function runTogether<Side>(
  sides: readonly Side[],
  { progress, signal }: Pick<Shared, "progress" | "signal">,
  run: (side: Side, shared: Shared) => Promise<RunOutcome>,
): Promise<readonly (readonly [Side, RunOutcome])[]> {
  const turnTaking = new TurnTaking(sides.length);
  const progressOf = sharedProgress(progress, sides.length);
  const broken = new AbortController();
  const shared = { signal: AbortSignal.any([signal, broken.signal]) };
  const failures: unknown[] = [];
  const runSide = async (side: Side, place: number): Promise<readonly [Side, RunOutcome]> => {
    try {
      const outcome = await run(side, {
        ...shared,
        turns: turnTaking.of(place),
        progress: progressOf(place),
      });
      if (outcome.died !== null) broken.abort();
      return [side, outcome];
    } catch (error) {
      // What comes after the first follows from it.
      failures.push(error);
      broken.abort();
      throw error;
    } finally {
      turnTaking.leave(place);
    }
  };
  const ended = await Promise.allSettled(sides.map(runSide));
  const outcomes = ended.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
  const hasDied = outcomes.some(([, { died }]) => died !== null);
  signal.throwIfAborted();
  if (failures.length > 0 && !hasDied) throw failures[0];
  return outcomes;
}
