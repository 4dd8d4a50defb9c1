const HALF_LIFE_MS = 2_000;
const REFRESH_MS = 1_000;
const MIN_SAMPLES = 2;

/** What a rate is made of, for whoever keeps it. */
export type RateRecord = readonly [
  bytesPerSecond: number | null,
  pendingBytes: number,
  samples: number,
  sinceMs: number | null,
];

/**
 * Bytes per second of a job: an exponential average with a half-life of 2 s, refreshed at most once a second, over
 * monotonic time (progress-rules.md 18).
 */
export class Rate {
  #bytesPerSecond: number | null = null;
  #pendingBytes = 0;
  #samples = 0;
  #sinceMs: number | null = null;

  /** Bytes that really moved; what was already stored when an attempt began or resumed is `addSample(0, now)`. */
  addSample(bytes: number, nowMs: number): void {
    this.#sinceMs ??= nowMs;
    this.#pendingBytes += bytes;
    this.#samples += 1;
    this.#refresh(nowMs);
  }

  /** null: unknown, until there are 2 samples and 1 s; also null instead of 0. */
  read(nowMs: number): number | null {
    this.#refresh(nowMs);
    const rate = this.#bytesPerSecond === null ? 0 : Math.round(this.#bytesPerSecond);
    return rate > 0 && Number.isFinite(rate) ? rate : null;
  }

  get record(): RateRecord {
    return [this.#bytesPerSecond, this.#pendingBytes, this.#samples, this.#sinceMs];
  }

  static of([bytesPerSecond, pendingBytes, samples, sinceMs]: RateRecord): Rate {
    const rate = new Rate();
    rate.#bytesPerSecond = bytesPerSecond;
    rate.#pendingBytes = pendingBytes;
    rate.#samples = samples;
    rate.#sinceMs = sinceMs;
    return rate;
  }

  copy(): Rate {
    const copy = new Rate();
    copy.become(this);
    return copy;
  }

  become(other: Rate): void {
    this.#bytesPerSecond = other.#bytesPerSecond;
    this.#pendingBytes = other.#pendingBytes;
    this.#samples = other.#samples;
    this.#sinceMs = other.#sinceMs;
  }

  #refresh(nowMs: number): void {
    if (this.#sinceMs === null || this.#samples < MIN_SAMPLES) return;
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < REFRESH_MS) return;
    const present = (this.#pendingBytes * 1000) / elapsedMs;
    const before = this.#bytesPerSecond;
    const weight = 1 - 2 ** (-elapsedMs / HALF_LIFE_MS);
    this.#bytesPerSecond = before === null ? present : before + weight * (present - before);
    this.#pendingBytes = 0;
    this.#sinceMs = nowMs;
  }
}
