import type { Revocations } from "../auth/revocations.ts";
import type { Identity } from "../auth/verify.ts";
import { systemClock } from "../engine/clock.ts";
import type { ConnectionKind, EndReason, GatewayOrders, Presence } from "../engine/presence.ts";
import { HubError } from "../errors.ts";
import { type Control, type Ending, endingOf } from "./transport.ts";

/** Something that holds a socket for a user: a connection, or a poll that waits. */
export interface Member {
  /** Of `Registry.nextId`. */
  readonly memberId: number;
  /** Of the token it was let in with, or of the last it refreshed that with. */
  readonly identity: Identity;
  readonly kind: ConnectionKind;
  /** True: its socket is gone. */
  readonly isClosed: boolean;
  /** Says something beside the messages, where the transport can; a poll that waits can't. */
  tell(message: Control): void;
  end(ending: Ending): void;
  terminate(): void;
}

export type ConnectionCounts = Readonly<Record<ConnectionKind, number>>;

/** Who is connected to this gateway; tells the core, which alone knows who has too many. */
export class Registry implements GatewayOrders {
  readonly #members = new Map<number, Member>();
  readonly #maxConnections: number;
  readonly #presence: Presence;
  readonly #counts: Record<ConnectionKind, number> = { socketio: 0, websocket: 0, sse: 0, polling: 0 };
  #lastId = 0;

  constructor(maxConnections: number, attachPresence: (orders: GatewayOrders) => Presence) {
    this.#maxConnections = maxConnections;
    this.#presence = attachPresence(this);
  }

  get size(): number {
    return this.#members.size;
  }

  get counts(): ConnectionCounts {
    return { ...this.#counts };
  }

  /** Throws HubError `overloaded` when full; `underway`: accepted, but not counted here yet. */
  assertRoom(underway = 0): void {
    if (this.size + underway >= this.#maxConnections) {
      throw new HubError("overloaded", `This gateway has ${this.#maxConnections} connections already.`);
    }
  }

  /** The next member's id, never given twice. */
  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** Lets it in. The core may end the user's oldest for it at once. */
  add(member: Member): void {
    const { memberId, identity, kind } = member;
    this.#members.set(memberId, member);
    this.#counts[member.kind] += 1;
    this.#presence.join({ memberId, userId: identity.userId, kind, sinceMs: systemClock.monotonicMs() });
  }

  /** Does nothing when it is not there. */
  remove(member: Member): void {
    const { memberId } = member;
    if (!this.#members.delete(memberId)) return;
    this.#counts[member.kind] -= 1;
    this.#presence.leave(memberId);
  }

  end(memberIds: readonly number[], reason: EndReason): void {
    for (const memberId of memberIds) {
      const member = this.#members.get(memberId);
      if (member !== undefined) this.#end(member, reason);
    }
  }

  /** Ends whoever's token was revoked since it was let in. */
  endRevoked(revocations: Revocations): void {
    for (const member of this.members()) {
      if (revocations.isRevoked(member.identity)) this.#end(member, "token_revoked");
    }
  }

  /** All of them, as they are now. */
  members(): Member[] {
    return [...this.#members.values()];
  }

  #end(member: Member, reason: EndReason): void {
    member.end(endingOf(reason));
    this.remove(member);
  }
}
