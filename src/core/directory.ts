import type { ConnectionKind, EndReason, GatewayOrders, MemberInfo, Presence } from "../engine/presence.ts";

export interface Count {
  readonly total: number;
  readonly byTransport: Readonly<Record<ConnectionKind, number>>;
}

export interface DirectoryCounts extends Count {
  /** In the order in which they were attached. */
  readonly gateways: readonly (Count & { readonly name: string })[];
  /** How many users are connected. */
  readonly users: number;
}

/** A connection as the directory knows it. */
export interface Located extends MemberInfo {
  readonly gateway: string;
}

interface AttachedGateway {
  readonly name: string;
  readonly orders: GatewayOrders;
  readonly members: Map<number, Entry>;
  readonly byTransport: Record<ConnectionKind, number>;
}

interface Entry {
  readonly info: MemberInfo;
  readonly gateway: AttachedGateway;
}

/**
 * Who is connected where, over all gateways, as they tell it. An entry ends with its connection, with its gateway, or
 * as soon as it was told to go, so there are at most `max-connections` a gateway and `maxPerUser` a user.
 */
export class Directory {
  readonly #maxPerUser: number;
  readonly #gateways = new Map<string, AttachedGateway>();
  readonly #byUser = new Map<string, Set<Entry>>();

  constructor(maxPerUser: number) {
    this.#maxPerUser = maxPerUser;
  }

  /** Takes the place of a gateway of the same name, which is one whose end was not noticed yet. */
  attach(name: string, orders: GatewayOrders): Presence & { detach(): void } {
    const gateway: AttachedGateway = { name, orders, members: new Map(), byTransport: { ...NOBODY } };
    this.#detach(this.#gateways.get(name));
    this.#gateways.set(name, gateway);
    return {
      join: (info) => {
        if (this.#gateways.get(name) === gateway) this.#join(gateway, info);
      },
      leave: (memberId) => this.#remove(gateway.members.get(memberId)),
      detach: () => this.#detach(gateway),
    };
  }

  /** The user's connections, oldest first. */
  membersOf(userId: string): readonly Located[] {
    return [...(this.#byUser.get(userId) ?? [])]
      .map(({ info, gateway }) => ({ ...info, gateway: gateway.name }))
      .sort((left, right) => left.sinceMs - right.sinceMs);
  }

  /** Ends all connections of the user; gives how many were told to go. */
  disconnect(userId: string, reason: EndReason): number {
    return this.#end([...(this.#byUser.get(userId) ?? [])], reason);
  }

  counts(): DirectoryCounts {
    const gateways = [...this.#gateways.values()].map(({ name, members, byTransport: own }) => ({
      name,
      total: members.size,
      byTransport: { ...own },
    }));
    const byTransport = { ...NOBODY };
    for (const gateway of gateways) {
      for (const kind of KINDS) byTransport[kind] += gateway.byTransport[kind];
    }
    const total = gateways.reduce((sum, gateway) => sum + gateway.total, 0);
    return { total, byTransport, gateways, users: this.#byUser.size };
  }

  /** The `most` users with the most connections, most first. One pass over all users, sorting only the best of them. */
  busiest(most: number): readonly (Count & { readonly userId: string })[] {
    let best: { userId: string; entries: ReadonlySet<Entry> }[] = [];
    let least = 0;
    const cut = () => {
      best = best.sort((left, right) => right.entries.size - left.entries.size).slice(0, most);
      if (best.length === most) least = best.at(-1)?.entries.size ?? 0;
    };
    for (const [userId, entries] of this.#byUser) {
      if (entries.size <= least) continue;
      best.push({ userId, entries });
      if (best.length >= 2 * most) cut();
    }
    cut();
    return best.map(({ userId, entries }) => ({
      userId,
      total: entries.size,
      byTransport: kindsOf(entries),
    }));
  }

  /** The user's oldest goes when there are too many: a phone must not be locked out by its ghosts. */
  #join(gateway: AttachedGateway, info: MemberInfo): void {
    if (gateway.members.has(info.memberId)) return;
    const entry = { info, gateway };
    gateway.members.set(info.memberId, entry);
    gateway.byTransport[info.kind] += 1;
    const entries = this.#byUser.get(info.userId) ?? new Set();
    this.#byUser.set(info.userId, entries);
    entries.add(entry);
    if (entries.size > this.#maxPerUser) this.#end(oldestOf(entries), "replaced");
  }

  /** Taken out first: what the gateway says of them from now on is late. */
  #end(entries: readonly Entry[], reason: EndReason): number {
    const byGateway = new Map<AttachedGateway, number[]>();
    for (const entry of entries) {
      this.#remove(entry);
      const memberIds = byGateway.get(entry.gateway) ?? [];
      byGateway.set(entry.gateway, memberIds);
      memberIds.push(entry.info.memberId);
    }
    for (const [{ orders }, memberIds] of byGateway) orders.end(memberIds, reason);
    return entries.length;
  }

  #remove(entry: Entry | undefined): void {
    if (entry === undefined) return;
    const { info, gateway } = entry;
    gateway.members.delete(info.memberId);
    gateway.byTransport[info.kind] -= 1;
    const entries = this.#byUser.get(info.userId);
    if (entries?.delete(entry) && entries.size === 0) this.#byUser.delete(info.userId);
  }

  #detach(gateway: AttachedGateway | undefined): void {
    if (gateway === undefined || this.#gateways.get(gateway.name) !== gateway) return;
    this.#gateways.delete(gateway.name);
    for (const entry of gateway.members.values()) this.#remove(entry);
  }
}

const KINDS = ["socketio", "websocket", "sse", "polling"] as const satisfies readonly ConnectionKind[];
const NOBODY: Readonly<Record<ConnectionKind, number>> = { socketio: 0, websocket: 0, sse: 0, polling: 0 };

function kindsOf(entries: Iterable<Entry>): Record<ConnectionKind, number> {
  const byTransport = { ...NOBODY };
  for (const { info } of entries) byTransport[info.kind] += 1;
  return byTransport;
}

/** Of several as old, the one that was told of first. */
function oldestOf(entries: ReadonlySet<Entry>): Entry[] {
  let oldest: Entry | null = null;
  for (const entry of entries) {
    if (oldest === null || entry.info.sinceMs < oldest.info.sinceMs) oldest = entry;
  }
  return oldest === null ? [] : [oldest];
}
