import type { Identity } from "./verify.ts";

/**
 * Tokens that are good no more before they expire: the one with this `jti`, or all of a user that were issued before a
 * time (one that doesn't say when it was issued is among them). Plain data: it crosses processes. Times are Unix
 * seconds.
 */
export type Revocation =
  | { readonly jti: string; readonly expiresAtSeconds: number | null }
  | {
      readonly userId: string;
      readonly issuedBeforeSeconds: number;
      readonly expiresAtSeconds: number | null;
    };

const MAX_REVOCATIONS = 100_000;
const SWEEP_FROM = 64;

/**
 * What was revoked, in the memory of this process. An entry ends at its `expiresAtSeconds`, when its tokens have
 * expired (null: nobody has said when that is), or when newer ones need its place.
 */
export class Revocations {
  readonly #nowMs: () => number;
  readonly #maxEntries: number;
  /** Oldest first. */
  readonly #entries = new Map<string, Revocation>();
  #sweepAt = SWEEP_FROM;
  #version = 0;

  /** `nowMs`: Unix milliseconds. */
  constructor(nowMs: () => number = Date.now, maxEntries = MAX_REVOCATIONS) {
    this.#nowMs = nowMs;
    this.#maxEntries = maxEntries;
  }

  /** Grows with each `add` that says something new: who has looked at this one has nothing new to look at. */
  get version(): number {
    return this.#version;
  }

  /** All that hold, oldest first; `add` takes them elsewhere, in any order and as often as you like. */
  list(): readonly Revocation[] {
    this.#sweep();
    return [...this.#entries.values()];
  }

  /** Gives the oldest, which had to go to make room, if it still held; null: there was room. */
  add(revocation: Revocation): Revocation | null {
    const key = keyOf(revocation);
    const before = this.#entries.get(key);
    const joined = join(before, revocation);
    const isNews = before === undefined || JSON.stringify(before) !== JSON.stringify(joined);
    this.#entries.delete(key);
    this.#entries.set(key, joined);
    if (isNews) this.#version += 1;
    if (this.#entries.size >= this.#sweepAt || this.#entries.size > this.#maxEntries) this.#sweep();
    if (this.#entries.size <= this.#maxEntries) return null;
    const [oldest] = this.#entries;
    if (oldest === undefined) return null;
    this.#entries.delete(oldest[0]);
    return oldest[1];
  }

  isRevoked({ userId, jti, issuedAtSeconds }: Identity): boolean {
    if (this.#entries.size === 0) return false;
    if (jti !== null && this.#entries.has(`jti ${jti}`)) return true;
    const ofUser = this.#entries.get(`user ${userId}`);
    if (ofUser === undefined || "jti" in ofUser) return false;
    return issuedAtSeconds === null || issuedAtSeconds < ofUser.issuedBeforeSeconds;
  }

  #sweep(): void {
    const nowSeconds = this.#nowMs() / 1_000;
    for (const [key, { expiresAtSeconds }] of this.#entries) {
      if (expiresAtSeconds !== null && expiresAtSeconds <= nowSeconds) this.#entries.delete(key);
    }
    this.#sweepAt = Math.max(SWEEP_FROM, 2 * this.#entries.size);
  }
}

function keyOf(revocation: Revocation): string {
  return "jti" in revocation ? `jti ${revocation.jti}` : `user ${revocation.userId}`;
}

/** Both hold: what one of them revokes stays revoked. */
function join(before: Revocation | undefined, revocation: Revocation): Revocation {
  if (before === undefined) return revocation;
  const [left, right] = [before.expiresAtSeconds, revocation.expiresAtSeconds];
  const expiresAtSeconds = left === null || right === null ? null : Math.max(left, right);
  if ("jti" in revocation || "jti" in before) return { ...revocation, expiresAtSeconds };
  const issuedBeforeSeconds = Math.max(before.issuedBeforeSeconds, revocation.issuedBeforeSeconds);
  return { ...revocation, issuedBeforeSeconds, expiresAtSeconds };
}
