import type { SimulatedEvent } from "./event.ts";
import { Heap } from "./heap.ts";
import type { Profile } from "./profile.ts";
import { Random } from "./random.ts";

/** An event on its way. */
export type Sent = SimulatedEvent;

/**
 * What becomes of events between the photo and the hub: some are late, so that others overtake them, some are sent again.
 * In the order in which they are sent; keeps no more of them than come within the longest delay.
 */
export class Deliveries {
  readonly #source: { next(): SimulatedEvent | null };
  readonly #delivery: Profile["delivery"];
  readonly #random: Random;
  readonly #waiting = new Heap<SimulatedEvent>();
  /** Nothing happens to them. */
  readonly #isPlain: boolean;
  #following: SimulatedEvent | null = null;
  #accepted = 0;

  constructor(source: { next(): SimulatedEvent | null }, delivery: Profile["delivery"], seed: number) {
    this.#source = source;
    this.#delivery = delivery;
    this.#random = new Random(`${seed}/delivery`);
    this.#isPlain = delivery.duplicates === 0 && delivery.late.length === 0 && delivery.publishers === 1;
  }

  /** null: nothing is left. */
  next(): Sent | null {
    if (this.#isPlain) return this.#source.next();
    this.#following ??= this.#source.next();
    // Whatever happens before the earliest is sent may be sent before it.
    while (this.#following !== null && this.#following.atMs <= this.#waiting.firstMs) {
      this.#accept(this.#following);
      this.#following = this.#source.next();
    }
    const { firstMs: atMs } = this.#waiting;
    const due = this.#waiting.take();
    if (due === null) return null;
    const { publishers } = this.#delivery;
    const publisher = publishers === 1 ? 0 : this.#random.integer(0, publishers - 1);
    return { atMs, event: due.event, publisher };
  }

  #accept(event: SimulatedEvent): void {
    const { duplicates } = this.#delivery;
    this.#send(event);
    if (duplicates > 0 && this.#random.chance(duplicates)) this.#send(event);
  }

  #send(event: SimulatedEvent): void {
    this.#waiting.add(event.atMs + this.#delayMs(), this.#accepted, event);
    this.#accepted += 1;
  }

  #delayMs(): number {
    for (const { chance, upTo } of this.#delivery.late) {
      if (this.#random.chance(chance)) return this.#random.next() * upTo;
    }
    return 0;
  }
}
