interface Entry<Item> {
  readonly atMs: number;
  /** Among those of one time, the lower first. */
  readonly rank: number;
  readonly item: Item;
}

/** A binary heap by time, and by rank among equal times, so that what comes out does not depend on what else is in it. */
export class Heap<Item> {
  readonly #entries: Entry<Item>[] = [];

  /** The next one, which stays; null: it is empty. */
  get first(): Entry<Item> | null {
    return this.#entries[0] ?? null;
  }

  add(atMs: number, rank: number, item: Item): void {
    const entries = this.#entries;
    const entry = { atMs, rank, item };
    let index = entries.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = entries[parent];
      if (above === undefined || !isBefore(entry, above)) break;
      entries[index] = above;
      index = parent;
    }
    entries[index] = entry;
  }

  /** null: it is empty. */
  take(): Entry<Item> | null {
    const entries = this.#entries;
    const first = entries[0];
    const moved = entries.pop();
    if (first === undefined || moved === undefined) return null;
    if (entries.length > 0) this.#sink(moved);
    return first;
  }

  /** The same as `take` and then `add`, in half the time. */
  replaceFirst(atMs: number, rank: number, item: Item): void {
    this.#sink({ atMs, rank, item });
  }

  /** Puts it where it belongs, from the top on. */
  #sink(moved: Entry<Item>): void {
    const entries = this.#entries;
    let index = 0;
    for (;;) {
      const [left, right] = [entries[2 * index + 1], entries[2 * index + 2]];
      const goRight = right !== undefined && left !== undefined && isBefore(right, left);
      const child = goRight ? right : left;
      if (child === undefined || !isBefore(child, moved)) break;
      entries[index] = child;
      index = 2 * index + (goRight ? 2 : 1);
    }
    entries[index] = moved;
  }
}

function isBefore<Item>(one: Entry<Item>, other: Entry<Item>): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.rank < other.rank);
}
