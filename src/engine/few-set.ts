/** More are looked up in a table. */
const FEW = 16;

/** A set, in the order of adding, that nearly always has one or two items: without a table, which would cost more than them. */
export class FewSet<Item> implements Iterable<Item> {
  #items: Item[] = [];
  #table: Set<Item> | null = null;

  has(item: Item): boolean {
    return this.#table?.has(item) ?? this.#items.includes(item);
  }

  add(item: Item): void {
    if (this.has(item)) return;
    this.#table?.add(item);
    // An array that is made with one item has room for that one, and not for 17.
    if (this.#items.length === 0) this.#items = [item];
    else this.#items.push(item);
    if (this.#items.length === FEW) this.#table = new Set(this.#items);
  }

  [Symbol.iterator](): Iterator<Item> {
    return this.#items[Symbol.iterator]();
  }
}
