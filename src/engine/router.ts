import type { OutMessage } from "./contract.ts";
import type { Feed } from "./feed.ts";

/** Most bytes of messages that go to a connection in one write, and in one page of `since`. */
export const GROUP_MAX_BYTES = 64 * 1024;

/** Which connections belong to which user; the only way from a shown message to a connection. */
export class Router {
  readonly #feeds = new Map<string, Set<Feed>>();

  add(feed: Feed): void {
    const feeds = this.#feeds.get(feed.userId);
    if (feeds === undefined) this.#feeds.set(feed.userId, new Set([feed]));
    else feeds.add(feed);
  }

  remove(feed: Feed): void {
    const feeds = this.#feeds.get(feed.userId);
    if (feeds?.delete(feed) && feeds.size === 0) this.#feeds.delete(feed.userId);
  }

  deliver(userId: string, messages: readonly OutMessage[]): void {
    const feeds = this.#feeds.get(userId);
    if (feeds === undefined || messages.length === 0) return;
    for (const group of groupsOf(messages)) {
      for (const feed of feeds) feed.push(group);
    }
  }
}

/** Cuts messages into groups of at most `GROUP_MAX_BYTES` of JSON; a larger message stands alone. */
function groupsOf(messages: readonly OutMessage[]): readonly (readonly OutMessage[])[] {
  const groups: OutMessage[][] = [];
  let group: OutMessage[] = [];
  let size = 0;
  for (const message of messages) {
    const bytes = Buffer.byteLength(message.json);
    if (group.length > 0 && size + bytes > GROUP_MAX_BYTES) {
      groups.push(group);
      group = [];
      size = 0;
    }
    group.push(message);
    size += bytes;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}
