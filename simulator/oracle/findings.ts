export const FAULTS = ["foreign", "disordered", "fallen", "repeated", "malformed"] as const;
export type Fault = (typeof FAULTS)[number];

/** Enough to see what it is; a test that goes wrong may find thousands. */
const MAX_KEPT = 10;

/** What was seen and must not be: the first few of each, and how many there were. */
export class Findings {
  readonly #counts = new Map<Fault, number>();
  readonly #kept: { readonly fault: Fault; readonly what: string }[] = [];

  add(fault: Fault, what: string): void {
    const count = (this.#counts.get(fault) ?? 0) + 1;
    this.#counts.set(fault, count);
    if (count <= MAX_KEPT) this.#kept.push({ fault, what });
  }

  count(fault: Fault): number {
    return this.#counts.get(fault) ?? 0;
  }

  of(fault: Fault): readonly string[] {
    return this.#kept.filter((one) => one.fault === fault).map(({ what }) => what);
  }
}
