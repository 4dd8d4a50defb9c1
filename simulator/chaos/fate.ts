import type { Random } from "../random.ts";

/** What is done to one connection. */
export interface Fate {
  /** In words, for the summary. */
  readonly name: "clean" | "late" | "sliced" | "slow" | "cut" | "black hole" | "refused";
  /** What the server sends comes so much later. 0: at once. */
  readonly delayMs: number;
  /** It comes in pieces of 1 to so many bytes. 0: as it was written. */
  readonly sliceBytes: number;
  /** 0: as much as goes. */
  readonly bytesPerSecond: number;
  /** Reset after so long, wherever in a message; null: never. */
  readonly cutAfterMs: number | null;
  /** Nothing goes through after so long, in neither direction, and nobody is told; null: never. */
  readonly deafAfterMs: number | null;
}

export const CLEAN: Fate = {
  name: "clean",
  ...{ delayMs: 0, sliceBytes: 0, bytesPerSecond: 0, cutAfterMs: null, deafAfterMs: null },
};

const FATES = [
  { weight: 30, name: "clean" },
  { weight: 15, name: "late" },
  { weight: 15, name: "sliced" },
  { weight: 8, name: "slow" },
  { weight: 22, name: "cut" },
  { weight: 6, name: "black hole" },
  { weight: 4, name: "refused" },
] as const;

const MAX_DELAY_MS = 300;
const MAX_SLICE_BYTES = 7;
const LEAST_BYTES_PER_SECOND = 2_000;
const MOST_BYTES_PER_SECOND = 20_000;
const SOON_MS = 300;
const LATE_MS = 12_000;

/** One of them, mostly of those that clients meet every day. */
export function drawFate(random: Random): Fate {
  const { name } = random.weighted(FATES);
  const some = (least: number, most: number): number => random.integer(least, most);
  switch (name) {
    case "late":
      return { ...CLEAN, name, delayMs: some(20, MAX_DELAY_MS) };
    case "sliced":
      return { ...CLEAN, name, sliceBytes: some(1, MAX_SLICE_BYTES), cutAfterMs: some(SOON_MS, LATE_MS) };
    case "slow":
      return {
        ...{ ...CLEAN, name, cutAfterMs: some(SOON_MS, 2 * LATE_MS) },
        bytesPerSecond: some(LEAST_BYTES_PER_SECOND, MOST_BYTES_PER_SECOND),
      };
    case "cut":
      return { ...CLEAN, name, delayMs: some(0, 40), cutAfterMs: some(SOON_MS, LATE_MS) };
    case "black hole":
      return { ...CLEAN, name, deafAfterMs: some(SOON_MS, LATE_MS), cutAfterMs: some(LATE_MS, 2 * LATE_MS) };
    default:
      return { ...CLEAN, name };
  }
}
