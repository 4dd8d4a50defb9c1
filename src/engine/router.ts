import type { LiveSource, OutMessage, Receiver } from "./contract.ts";
import type { Store } from "./store.ts";

/** Most bytes of messages that go to a connection in one write, and in one page of `since`. */
export const GROUP_MAX_BYTES = 64 * 1024;

/** Who receives which user's messages; the only way from a shown message to a connection. */
export class Router implements LiveSource {
  /** Lists, which are never changed but replaced: who is told may leave meanwhile. A set for each costs twice as much. */
  readonly #receivers = new Map<string, readonly Receiver[]>();
  readonly #source: Pick<Store, "watch" | "unwatch">;

  /** `source` is asked for the messages of whoever has a receiver. */
  constructor(source: Pick<Store, "watch" | "unwatch">) {
    this.#source = source;
  }

  watch(userId: string, receiver: Receiver): void {
    const others = this.#receivers.get(userId);
    if (others?.includes(receiver)) return;
    this.#receivers.set(userId, others === undefined ? [receiver] : [...others, receiver]);
    if (others === undefined) this.#source.watch(userId);
  }

  unwatch(userId: string, receiver: Receiver): void {
    const receivers = this.#receivers.get(userId);
    if (!receivers?.includes(receiver)) return;
    const left = receivers.filter((other) => other !== receiver);
    if (left.length > 0) {
      this.#receivers.set(userId, left);
      return;
    }
    this.#receivers.delete(userId);
    this.#source.unwatch(userId);
  }

  deliver(userId: string, messages: readonly OutMessage[]): void {
    const receivers = this.#receivers.get(userId);
    if (receivers === undefined || messages.length === 0) return;
    for (const group of groupsOf(messages)) {
      for (const receiver of receivers) receiver.push(userId, group);
    }
  }

  /** What the user's connections were sent may not hold any more: each reads again from where it stands. */
  resync(userId: string): void {
    for (const receiver of this.#receivers.get(userId) ?? []) receiver.resync(userId);
  }
}

/** Cuts messages into groups of at most `GROUP_MAX_BYTES` of JSON; a larger message stands alone. */
function groupsOf(messages: readonly OutMessage[]): readonly (readonly OutMessage[])[] {
  let size = 0;
  for (const { bytes } of messages) size += bytes;
  // As nearly always.
  if (size <= GROUP_MAX_BYTES) return [messages];
  const groups: OutMessage[][] = [];
  let group: OutMessage[] = [];
  size = 0;
  for (const message of messages) {
    if (group.length > 0 && size + message.bytes > GROUP_MAX_BYTES) {
      groups.push(group);
      group = [];
      size = 0;
    }
    group.push(message);
    size += message.bytes;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}
