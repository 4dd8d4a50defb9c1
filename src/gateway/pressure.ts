import type { Connection } from "./connection.ts";

/**
 * What all connections of a gateway buffer together. A connection that buffers more than `slow-buffer` is held: it is
 * sent nothing more until it drains. Above `max-buffered` in all, those that are ending anyway are dropped first, then
 * the fullest of the held ones.
 */
export class Pressure {
  readonly #maxBytes: number;
  readonly #held = new Set<Connection>();
  /** Closed by us, not yet gone: what they buffer still counts. */
  readonly #ending = new Set<Connection>();
  #totalBytes = 0;
  #slowHolds = 0;
  #slowCloses = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of all connections that the kernel has not taken. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Connections held at present. */
  get held(): number {
    return this.#held.size;
  }

  /** Holds since the start. */
  get slowHolds(): number {
    return this.#slowHolds;
  }

  /** Connections closed with 4408 since the start. */
  get slowCloses(): number {
    return this.#slowCloses;
  }

  add(bytes: number): void {
    this.#totalBytes += bytes;
  }

  hold(connection: Connection): void {
    this.#held.add(connection);
    this.#slowHolds += 1;
  }

  release(connection: Connection): void {
    this.#held.delete(connection);
  }

  ending(connection: Connection): void {
    this.#ending.add(connection);
  }

  /** The connection is gone, with all it buffered. */
  forget(connection: Connection): void {
    this.#held.delete(connection);
    this.#ending.delete(connection);
  }

  countClose(): void {
    this.#slowCloses += 1;
  }

  /** Once a tick: the work is one sort of those connections, however many messages came in between. */
  shed(): void {
    if (this.#totalBytes <= this.#maxBytes) return;
    for (const connection of [...fullestFirst(this.#ending), ...fullestFirst(this.#held)]) {
      if (this.#totalBytes <= this.#maxBytes) return;
      connection.dropSlow();
    }
  }
}

function fullestFirst(connections: Iterable<Connection>): Connection[] {
  return [...connections].sort((a, b) => b.bufferedBytes - a.bufferedBytes);
}
