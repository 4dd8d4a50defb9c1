import { Random } from "../../simulator/random.ts";

/** Of what is random in a scenario; `npm run test:faults -- --seed N` gives another. */
export const SEED = Number(process.env.FAULTS_SEED ?? 1);

/** True: `npm run test:faults`, which takes its time. */
export const IS_WHOLE = process.env.FAULTS === "all";

/** Numbers of its own for each use, the same for the same seed. */
export function randomOf(use: string): Random {
  return new Random(`faults/${SEED}/${use}`);
}

export function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  return items
    .map((item) => ({ item, at: random.next() }))
    .sort((x, y) => x.at - y.at)
    .map(({ item }) => item);
}
