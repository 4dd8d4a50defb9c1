/**
 * The sum of figures that only grow, each until its owner ends: what was last seen of it stays in the sum, which never
 * falls. A figure that is less than before is another owner's, of the same name.
 */
export class KeptSum {
  #last: ReadonlyMap<string, number> = new Map();
  #ended = 0;

  /** Takes the figures of all that live now, by owner. */
  update(now: ReadonlyMap<string, number>): number {
    for (const [owner, value] of this.#last) if ((now.get(owner) ?? -1) < value) this.#ended += value;
    this.#last = now;
    return this.#ended + sum(now.values());
  }
}

export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
