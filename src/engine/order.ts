import { copyOfShown } from "../domain/draft.ts";
import { DeadlineQueue } from "./deadline-queue.ts";
import type { PackedJob } from "./records.ts";
import type { ShownEntry, Since } from "./store.ts";

/** Sorting fewer than these anew each time costs nothing that one would see. */
const REMEMBER_FROM = 100;
const REMEMBERED_JOBS = 32;

/** What was shown of a job, in the order of the numbers; of large jobs remembered until they change. */
export class Orders {
  readonly #remembered = new Map<PackedJob, { readonly version: number; readonly order: Order }>();

  of(job: PackedJob): Order {
    const known = this.#remembered.get(job);
    if (known?.version === job.version) return known.order;
    const order = Order.of(job);
    if (order.length >= REMEMBER_FROM) this.#remember(job, order);
    return order;
  }

  forget(job: PackedJob): void {
    this.#remembered.delete(job);
  }

  #remember(job: PackedJob, order: Order): void {
    this.#remembered.delete(job);
    this.#remembered.set(job, { version: job.version, order });
    if (this.#remembered.size <= REMEMBERED_JOBS) return;
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest);
      return;
    }
  }
}

/** The place of the job's own message; of a photo's, twice its index, and 1 more where it is not `upload_started`. */
const OWN = -1;

/** Where the messages that stand of a job are, in their order, until it changes. Entries are made when they are asked for. */
export class Order {
  readonly #job: PackedJob;
  readonly #places: Int32Array;

  private constructor(job: PackedJob, places: readonly number[]) {
    this.#job = job;
    this.#places = Int32Array.from(places);
  }

  static of(job: PackedJob): Order {
    const { photos, shown } = job;
    const found: { readonly seq: number; readonly place: number }[] = [];
    for (let index = 0; index < photos.size; index += 1) {
      const [started, last] = [photos.seqAt(index, "started"), photos.seqAt(index, "last")];
      if (started !== null) found.push({ seq: started, place: 2 * index });
      if (last !== null) found.push({ seq: last, place: 2 * index + 1 });
    }
    if (shown !== null) found.push({ seq: shown.last.seq, place: OWN });
    found.sort((left, right) => left.seq - right.seq);
    return new Order(
      job,
      found.map(({ place }) => place),
    );
  }

  /** Only the job's own message. */
  static ofJobAlone(job: PackedJob): Order {
    return new Order(job, job.shown === null ? [] : [OWN]);
  }

  static ofNothing(job: PackedJob): Order {
    return new Order(job, []);
  }

  get length(): number {
    return this.#places.length;
  }

  /** null: past the last. */
  seqAt(position: number): number | null {
    const place = this.#places[position];
    if (place === undefined) return null;
    if (place === OWN) return this.#job.shown?.last.seq ?? null;
    return this.#job.photos.seqAt(place >> 1, partOf(place));
  }

  entryAt(position: number): ShownEntry {
    const job = this.#job;
    const place = this.#places[position] ?? OWN;
    const seq = this.seqAt(position) ?? 0;
    if (place === OWN) {
      // As it is shown now: the job is changed in place, perhaps before somebody looks at the entry.
      const shown = job.shown && copyOfShown(job.shown);
      return { seq, job: { ...job, shown }, photo: null, part: "last" };
    }
    return { seq, job, photo: job.photos.at(place >> 1) ?? null, part: partOf(place) };
  }

  /** The position of the first after `seq`. */
  firstAfter(seq: number): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.seqAt(middle) ?? Number.POSITIVE_INFINITY) <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What was shown after `seq`, up to `headSeq`, of several jobs, in the order of the numbers. */
export function* entriesAfter(seq: number, headSeq: number, orders: Iterable<Order>): Generator<ShownEntry> {
  const next = new DeadlineQueue<{ readonly order: Order; readonly position: number }>();
  const queue = (order: Order, position: number) => {
    const nextSeq = order.seqAt(position);
    if (nextSeq !== null && nextSeq <= headSeq) next.add(nextSeq, { order, position });
  };
  for (const order of orders) queue(order, order.firstAfter(seq));
  for (const { item } of next.due(Number.POSITIVE_INFINITY)) {
    const { order, position } = item;
    queue(order, position + 1);
    yield order.entryAt(position);
  }
}

export function atMost(limit: number, all: Iterable<ShownEntry>): Pick<Since, "entries" | "isAll"> {
  const entries: ShownEntry[] = [];
  for (const entry of all) {
    if (entries.length === limit) return { entries, isAll: false };
    entries.push(entry);
  }
  return { entries, isAll: true };
}

function partOf(place: number): ShownEntry["part"] {
  return place % 2 === 0 ? "started" : "last";
}
