import { MESSAGE_TYPES, type MessageType } from "../domain/messages.ts";
import { Histogram } from "../metrics/histogram.ts";
import { AGE_BOUNDS } from "../metrics/table.ts";
import type { Unstamped } from "./store.ts";

/** What was shown since the start. */
export class ShownCounts {
  readonly #byType = new Map<MessageType, number>(MESSAGE_TYPES.map((type) => [type, 0]));
  /** Seconds from the merge of the newest event in a message until it is committed. */
  readonly age = new Histogram(AGE_BOUNDS);

  get byType(): ReadonlyMap<MessageType, number> {
    return this.#byType;
  }

  get total(): number {
    let total = 0;
    for (const count of this.#byType.values()) total += count;
    return total;
  }

  count(messages: readonly Unstamped[], nowMs: number): void {
    for (const { type, eventAtMs } of messages) {
      this.#byType.set(type, (this.#byType.get(type) ?? 0) + 1);
      if (eventAtMs > 0) this.age.observe((nowMs - eventAtMs) / 1_000);
    }
  }
}
