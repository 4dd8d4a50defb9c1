import type { Random } from "./random.ts";

export const NETWORKS = ["wifi", "4g", "train", "office"] as const;
export type Network = (typeof NETWORKS)[number];

/** How a line is for a while, after which another of its states follows, as likely as its weight says. */
interface State {
  readonly weight: number;
  /** Bytes a second, upwards, of the whole line; 0: nothing goes through. */
  readonly bytesPerSecond: number;
  /** Of the logarithm of that. */
  readonly spread: number;
  /** The mean of how long it lasts. */
  readonly lastsMs: number;
}

const STATES: Readonly<Record<Network, readonly State[]>> = {
  office: [{ weight: 1, bytesPerSecond: 12_000_000, spread: 0.15, lastsMs: 20_000 }],
  wifi: [
    { weight: 8, bytesPerSecond: 4_000_000, spread: 0.3, lastsMs: 12_000 },
    { weight: 2, bytesPerSecond: 900_000, spread: 0.4, lastsMs: 4_000 },
  ],
  "4g": [
    { weight: 6, bytesPerSecond: 1_800_000, spread: 0.5, lastsMs: 6_000 },
    { weight: 3, bytesPerSecond: 400_000, spread: 0.5, lastsMs: 4_000 },
    { weight: 1, bytesPerSecond: 0, spread: 0, lastsMs: 1_200 },
  ],
  train: [
    { weight: 5, bytesPerSecond: 1_000_000, spread: 0.6, lastsMs: 5_000 },
    { weight: 3, bytesPerSecond: 120_000, spread: 0.5, lastsMs: 4_000 },
    // A tunnel.
    { weight: 2, bytesPerSecond: 0, spread: 0, lastsMs: 6_000 },
  ],
};
const SHORTEST_MS = 200;

/** A time in which nothing goes through, whatever the line is like. */
export interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What the line gives from now on, unless it is asked again. */
export interface Share {
  readonly bytesPerSecond: number;
  readonly untilMs: number;
}

/** How much goes through the line of a user, by the simulated clock. Asked of times that don't fall. */
export class Line {
  readonly #states: readonly State[];
  readonly #random: Random;
  readonly #outages: readonly Outage[];
  #bytesPerSecond = 0;
  #untilMs: number;

  /** `outages`: in their order, and apart. */
  constructor(network: Network, random: Random, startMs: number, outages: readonly Outage[] = []) {
    this.#states = STATES[network];
    this.#random = random;
    this.#outages = outages;
    this.#untilMs = startMs;
  }

  at(nowMs: number): Share {
    while (this.#untilMs <= nowMs) this.#change();
    for (const { fromMs, toMs } of this.#outages) {
      if (nowMs >= fromMs && nowMs < toMs) return { bytesPerSecond: 0, untilMs: toMs };
      if (nowMs < fromMs && fromMs < this.#untilMs) {
        return { bytesPerSecond: this.#bytesPerSecond, untilMs: fromMs };
      }
    }
    return { bytesPerSecond: this.#bytesPerSecond, untilMs: this.#untilMs };
  }

  #change(): void {
    const state = this.#random.weighted(this.#states);
    this.#bytesPerSecond = Math.floor(this.#random.logNormal(state.bytesPerSecond, state.spread));
    this.#untilMs += Math.max(SHORTEST_MS, this.#random.exponential(state.lastsMs));
  }
}

/** Bytes a second that a line gives in the long run. */
export function meanBytesPerSecond(network: Network): number {
  const states = STATES[network];
  const lasts = states.reduce((sum, { weight, lastsMs }) => sum + weight * lastsMs, 0);
  const bytes = states.reduce((sum, { weight, lastsMs, ...of }) => sum + weight * lastsMs * meanOf(of), 0);
  return bytes / lasts;
}

function meanOf({ bytesPerSecond, spread }: Pick<State, "bytesPerSecond" | "spread">): number {
  return bytesPerSecond * Math.exp(spread ** 2 / 2);
}
