interface Entry<Item> {
  readonly atMs: number;
  readonly item: Item;
}

/** A binary heap of items by time, earliest first: O(log n) to add and to take. Entries are never searched or moved. */
export class DeadlineQueue<Item> {
  readonly #heap: Entry<Item>[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** null: empty. */
  get nextAtMs(): number | null {
    return this.#heap[0]?.atMs ?? null;
  }

  add(atMs: number, item: Item): void {
    const heap = this.#heap;
    const entry = { atMs, item };
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || parent.atMs <= atMs) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = entry;
  }

  /** Takes out what is due at `nowMs`, earliest first; entries may be added meanwhile. */
  *due(nowMs: number): Generator<Entry<Item>> {
    for (let entry = this.#takeDue(nowMs); entry !== null; entry = this.#takeDue(nowMs)) yield entry;
  }

  /** Forgets the entries that don't pass, in one sweep. */
  keep(passes: (entry: Entry<Item>) => boolean): void {
    const kept = this.#heap.filter(passes).sort((left, right) => left.atMs - right.atMs);
    this.#heap.splice(0, this.#heap.length, ...kept);
  }

  #takeDue(nowMs: number): Entry<Item> | null {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atMs > nowMs) return null;
    const last = heap.pop();
    if (last !== undefined && last !== first) this.#sinkFromTop(last);
    return first;
  }

  #sinkFromTop(entry: Entry<Item>): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      const isRight = right !== undefined && left !== undefined && right.atMs < left.atMs;
      const child = isRight ? right : left;
      if (child === undefined || child.atMs >= entry.atMs) break;
      heap[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
    heap[index] = entry;
  }
}
