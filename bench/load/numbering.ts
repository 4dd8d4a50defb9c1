import type { AuditCounts, AuditRules } from "./audit.ts";

/** Numbers that were passed over, of which it is remembered that they may still come. */
const MAX_MISSING = 1_000;

/** The numbers of a user's messages as one client sees them. What a snapshot tells again is no duplicate. */
export class Numbering {
  readonly #rules: AuditRules;
  readonly #counts: AuditCounts;
  #seq = 0;
  /** Passed over, and counted as lost, or merged, until they come. Only where numbers are dense. */
  readonly #waited = new Set<number>();
  /** Before `synced` come states, not news: they have been shown before, or merged. */
  #isLive = false;
  readonly #passedAs: "lost" | "merged";
  /** A message with a number of this user's has come. */
  #isNumbered: boolean;

  /** What is found is added to `counts`. */
  constructor(rules: AuditRules, counts: AuditCounts) {
    this.#rules = rules;
    this.#counts = counts;
    this.#passedAs = rules.maySkip === true ? "merged" : "lost";
    this.#isNumbered = rules.isFirstAnywhere !== true;
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  /** All up to this id is here; null: there was nothing yet. */
  synced(lastId: string | null): void {
    this.#isLive = true;
    if (lastId !== null) this.#seq = seqOf(lastId);
  }

  disconnected(): void {
    this.#isLive = false;
    this.#waited.clear();
  }

  /** How many were passed over and have not come. */
  get missing(): number {
    return this.#waited.size;
  }

  /** `late`: it had been passed over. `again`: it is no news, and has been counted. */
  orderOf(id: string): "next" | "late" | "again" {
    const [seq, last] = [seqOf(id), this.#seq];
    if (this.#isLive || last === 0) {
      if (seq <= last) return this.#behind(seq);
      if (this.#rules.isDense && last > 0 && this.#isNumbered) this.#pass(last + 1, seq);
    }
    this.#isNumbered = true;
    this.#seq = seq;
    return "next";
  }

  #behind(seq: number): "late" | "again" {
    const counts = this.#counts;
    if (this.#waited.delete(seq)) {
      counts[this.#passedAs] -= 1;
      counts.disordered += 1;
      return "late";
    }
    // Where numbers are dense, what is behind and was not missed had been shown.
    if (this.#rules.isDense || seq === this.#seq) counts.duplicate += 1;
    else counts.disordered += 1;
    return "again";
  }

  #pass(from: number, to: number): void {
    this.#counts[this.#passedAs] += to - from;
    for (let seq = from; seq < to && this.#waited.size < MAX_MISSING; seq += 1) this.#waited.add(seq);
  }
}

function seqOf(id: string): number {
  return Number(id.slice(id.lastIndexOf("-") + 1));
}
