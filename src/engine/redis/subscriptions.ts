import type { Link } from "../../redis/link.ts";
import type { Redis } from "../../redis/redis.ts";
import { channelOf } from "./keys.ts";

export interface SubscriptionsOptions {
  readonly redis: Redis;
  /** What was published to the user. */
  readonly heard: (userId: string, payload: string) => void;
  /** Subscriptions were refused: they are tried again. */
  readonly failed: (error: unknown) => void;
  /** Something may have been published meanwhile that was not heard. */
  readonly gap: (userId: string) => void;
}

interface Subscription {
  readonly userId: string;
  readonly channel: string;
  node: Node | null;
  isOn: boolean;
  /** Until it was tried once, who reads waits for it, so that nothing is missed. */
  isTried: boolean;
  readonly settled: Promise<void>;
  readonly settle: () => void;
}

/** A connection to one node, and what is subscribed over it. */
interface Node {
  readonly link: Link;
  readonly subscriptions: Set<Subscription>;
  /** `host:port`, of the connection that stands or is wanted. */
  address: string;
  isUp: boolean;
  /** It was tried, and can't be reached. */
  isLost: boolean;
}

/** Commands sent at once: more would keep the last waiting beyond the limit for an answer. */
const AT_ONCE = 500;
const REPAIR_EVERY_MS = 250;

/**
 * One channel a user, over a connection to the node that serves it; made again for ever after each loss. A node that is
 * no master any more goes on to pass on what is published to its shard.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #byUser = new Map<string, Subscription>();
  readonly #byChannel = new Map<string, Subscription>();
  readonly #nodes = new Set<Node>();
  /** Not subscribed, and not being so. */
  readonly #off = new Set<Subscription>();
  readonly #repair: NodeJS.Timeout;
  #isAsking = false;
  #isWhole = true;
  #isClosed = false;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    this.#repair = setInterval(() => {
      const isRefused = [...this.#off].some(({ isTried }) => isTried);
      this.#isWhole = !isRefused && [...this.#nodes].every(({ isLost }) => !isLost);
      this.#ask();
    }, REPAIR_EVERY_MS).unref();
  }

  /** False: somebody's messages are not heard at present. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Those who are subscribed at present. */
  *users(): Generator<string> {
    for (const { userId, isOn } of this.#byUser.values()) if (isOn) yield userId;
  }

  add(userId: string): void {
    if (this.#isClosed || this.#byUser.has(userId)) return;
    const channel = channelOf(userId, this.#options.redis.database);
    let settle = (): void => undefined;
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const subscription = { userId, channel, node: null, isOn: false, isTried: false, settled, settle };
    this.#byUser.set(userId, subscription);
    this.#byChannel.set(channel, subscription);
    this.#off.add(subscription);
    this.#askSoon();
  }

  remove(userId: string): void {
    const subscription = this.#byUser.get(userId);
    if (subscription === undefined) return;
    this.#byUser.delete(userId);
    this.#byChannel.delete(subscription.channel);
    this.#off.delete(subscription);
    subscription.settle();
    if (subscription.isOn) this.#unsubscribe(subscription);
  }

  /** Subscribes anew: what there is has not brought what it should. */
  renew(userId: string): void {
    this.remove(userId);
    this.add(userId);
  }

  /** Resolves when the user is subscribed, or can't be at present. */
  async settled(userId: string): Promise<void> {
    await this.#byUser.get(userId)?.settled;
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#repair);
    for (const { link } of this.#nodes) link.close();
    for (const { settle } of this.#byUser.values()) settle();
  }

  /** In the next turn of the event loop, with all who come until then. */
  #askSoon(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    setImmediate(() => {
      this.#isAsking = false;
      this.#ask();
    });
  }

  #ask(): void {
    if (this.#isClosed) return;
    const byNode = new Map<Node, Subscription[]>();
    for (const subscription of this.#off) {
      const node = this.#place(subscription);
      if (node === null || node.isLost) tried(subscription);
      if (!node?.isUp) continue;
      this.#off.delete(subscription);
      const those = byNode.get(node);
      if (those === undefined) byNode.set(node, [subscription]);
      else those.push(subscription);
    }
    for (const [node, those] of byNode) void this.#subscribe(node, those);
    for (const node of this.#nodes) {
      if (node.subscriptions.size > 0) continue;
      this.#nodes.delete(node);
      node.link.close();
    }
  }

  /** null: nobody knows who serves the channel. */
  #place(subscription: Subscription): Node | null {
    const address = this.#options.redis.nodeOf(subscription.channel);
    if (address === null) return null;
    const known = [...this.#nodes].find((node) => node.address === address);
    const node = known ?? this.#connect(address, subscription.channel);
    subscription.node?.subscriptions.delete(subscription);
    node.subscriptions.add(subscription);
    subscription.node = node;
    return node;
  }

  #connect(address: string, channel: string): Node {
    const link = this.#options.redis.dedicated(channel, {
      ready: (client, { host, port }) => {
        node.address = `${host}:${port}`;
        node.isUp = true;
        node.isLost = false;
        client.on("sharded-channel-moved", (moved) => this.#moved(String(moved)));
        this.#ask();
      },
      lost: () => {
        node.isUp = false;
        node.isLost = true;
        for (const subscription of node.subscriptions) this.#lost(subscription);
      },
    });
    const node: Node = { link, subscriptions: new Set(), address, isUp: false, isLost: false };
    this.#nodes.add(node);
    return node;
  }

  async #subscribe(node: Node, subscriptions: readonly Subscription[]): Promise<void> {
    for (let from = 0; from < subscriptions.length; from += AT_ONCE) {
      const some = subscriptions.slice(from, from + AT_ONCE);
      const isDone = await node.link
        .run((client) => Promise.all(some.map(({ channel }) => client.sSubscribe(channel, this.#heard))))
        .then(
          () => true,
          (error) => {
            this.#options.failed(error);
            return false;
          },
        );
      for (const subscription of some) this.#settle(subscription, isDone);
    }
  }

  #settle(subscription: Subscription, isOn: boolean): void {
    const { userId, isTried } = subscription;
    const present = this.#byUser.get(userId);
    if (present !== subscription) {
      if (isOn && present === undefined) this.#unsubscribe(subscription);
      else subscription.node?.subscriptions.delete(subscription);
      return;
    }
    subscription.isOn = isOn;
    if (!isOn) this.#off.add(subscription);
    tried(subscription);
    if (isOn && isTried) this.#options.gap(userId);
  }

  #unsubscribe(subscription: Subscription): void {
    const { node, channel } = subscription;
    node?.subscriptions.delete(subscription);
    // With the listener: without it the client would take one who comes back before the answer for subscribed.
    node?.link.run((client) => client.sUnsubscribe(channel, this.#heard)).catch(() => undefined);
  }

  #lost(subscription: Subscription): void {
    subscription.isOn = false;
    if (this.#byUser.get(subscription.userId) === subscription) this.#off.add(subscription);
    tried(subscription);
  }

  /** Its slot is another node's now. */
  #moved(channel: string): void {
    const subscription = this.#byChannel.get(channel);
    if (subscription === undefined) return;
    this.#lost(subscription);
    this.#askSoon();
  }

  /** What comes before it is on is read: who took it for the next would pass over what was missed before. */
  readonly #heard = (payload: string, channel: string): void => {
    const subscription = this.#byChannel.get(channel);
    if (subscription?.isOn) this.#options.heard(subscription.userId, payload);
  };
}

/** Whoever waits for it need not any more: from now on it tells of a gap when it comes. */
function tried(subscription: Subscription): void {
  subscription.isTried = true;
  subscription.settle();
}
