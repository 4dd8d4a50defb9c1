/** Of the normal limit: what is silent for longer is dead, however slow a hub's heartbeat may be. */
const MOST = 4;

/**
 * How long a line may be silent. Nobody tells a client the pace of the hub's heartbeats: where lines are lost by silence
 * the pace may be slower than was thought, and each loss makes the limit twice as long, until heartbeats show the pace.
 */
export class Patience {
  readonly #normalMs: number;
  #limitMs: number;

  /** `heartbeatMs`: as long as nothing else was learnt. */
  constructor(heartbeatMs: number) {
    this.#normalMs = 2 * heartbeatMs;
    this.#limitMs = this.#normalMs;
  }

  get limitMs(): number {
    return this.#limitMs;
  }

  /** A live line was lost by silence. */
  lost(): void {
    this.#limitMs = Math.min(MOST * this.#normalMs, 2 * this.#limitMs);
  }

  /** A heartbeat came so long after the one before it. */
  beat(afterMs: number): void {
    this.#limitMs = Math.max(this.#normalMs, Math.min(this.#limitMs, 2 * afterMs));
  }
}
