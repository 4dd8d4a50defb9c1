interface Entry<Item> {
  /** Among those of one time, the lower first. */
  readonly rank: number;
  readonly item: Item;
}

/**
 * A binary heap by time, and by rank among equal times, so that what comes out does not depend on what else is in it. The
 * times lie side by side: a way through them touches few lines of the processor's caches, whatever the items are.
 */
export class Heap<Item> {
  readonly #times: number[] = [];
  readonly #entries: Entry<Item>[] = [];

  /** Of the next one; Infinity: it is empty. */
  get firstMs(): number {
    return this.#timeAt(0);
  }

  /** The next one, which stays; null: it is empty. */
  get first(): Item | null {
    return this.#entries[0]?.item ?? null;
  }

  add(atMs: number, rank: number, item: Item): void {
    const entry = { rank, item };
    let index = this.#times.push(atMs) - 1;
    this.#entries.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.#entries[parent];
      if (above === undefined || !this.#isBefore(atMs, entry, parent)) break;
      this.#put(index, this.#timeAt(parent), above);
      index = parent;
    }
    this.#put(index, atMs, entry);
  }

  /** null: it is empty. */
  take(): Item | null {
    const first = this.#entries[0];
    const atMs = this.#times.pop();
    const moved = this.#entries.pop();
    if (first === undefined || atMs === undefined || moved === undefined) return null;
    if (this.#entries.length > 0) this.#sink(atMs, moved);
    return first.item;
  }

  /** The same as to take the first and to add it again, in half the time; there is one. */
  postponeFirst(atMs: number): void {
    const [first] = this.#entries;
    if (first === undefined) throw new Error("the heap is empty");
    this.#sink(atMs, first);
  }

  /** From the top on, whatever is there is overwritten, to where it belongs. */
  #sink(atMs: number, moved: Entry<Item>): void {
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = this.#entries[left + 1];
      const child =
        right !== undefined && this.#isBefore(this.#timeAt(left + 1), right, left) ? left + 1 : left;
      const below = this.#entries[child];
      if (below === undefined || this.#isBefore(atMs, moved, child)) break;
      this.#put(index, this.#timeAt(child), below);
      index = child;
    }
    this.#put(index, atMs, moved);
  }

  #put(index: number, atMs: number, entry: Entry<Item>): void {
    this.#times[index] = atMs;
    this.#entries[index] = entry;
  }

  #timeAt(index: number): number {
    return this.#times[index] ?? Number.POSITIVE_INFINITY;
  }

  /** Only where the times are equal are the ranks looked at. */
  #isBefore(atMs: number, { rank }: Entry<Item>, index: number): boolean {
    const time = this.#timeAt(index);
    return atMs < time || (atMs === time && rank < (this.#entries[index]?.rank ?? rank));
  }
}
