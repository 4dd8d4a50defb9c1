import type { ConnectionKind } from "../engine/presence.ts";
import { HubError } from "../errors.ts";
import { type Control, type Ending, endingOf } from "./transport.ts";

/** Something that holds a socket for a user: a connection, or a poll that waits. */
export interface Member {
  readonly userId: string;
  readonly kind: ConnectionKind;
  /** True: its socket is gone. */
  readonly isClosed: boolean;
  /** Says something beside the messages, where the transport can; a poll that waits can't. */
  tell(message: Control): void;
  end(ending: Ending): void;
  terminate(): void;
}

export type ConnectionCounts = Readonly<Record<ConnectionKind, number>>;

/** Who is connected to this gateway. */
export class Registry {
  /** Sets keep the order of insertion, which is the order of age. */
  readonly #byUser = new Map<string, Set<Member>>();
  readonly #maxConnections: number;
  readonly #maxPerUser: number;
  readonly #counts: Record<ConnectionKind, number> = { socketio: 0, websocket: 0, sse: 0, polling: 0 };
  #size = 0;

  constructor(maxConnections: number, maxPerUser: number) {
    this.#maxConnections = maxConnections;
    this.#maxPerUser = maxPerUser;
  }

  get size(): number {
    return this.#size;
  }

  get counts(): ConnectionCounts {
    return { ...this.#counts };
  }

  /** Throws HubError `overloaded` when full; `underway`: accepted, but not counted here yet. */
  assertRoom(underway = 0): void {
    if (this.#size + underway >= this.#maxConnections) {
      throw new HubError("overloaded", `This gateway has ${this.#maxConnections} connections already.`);
    }
  }

  /** Lets it in. The user's oldest goes for good when there are too many: a phone must not be locked out by its ghosts. */
  add(member: Member): void {
    const members = this.#byUser.get(member.userId) ?? new Set();
    this.#byUser.set(member.userId, members);
    members.add(member);
    this.#size += 1;
    this.#counts[member.kind] += 1;
    for (const oldest of members) {
      if (members.size <= this.#maxPerUser) break;
      oldest.end(endingOf("replaced"));
      this.remove(oldest);
    }
  }

  /** Does nothing when it is not there. */
  remove(member: Member): void {
    const members = this.#byUser.get(member.userId);
    if (members === undefined || !members.delete(member)) return;
    if (members.size === 0) this.#byUser.delete(member.userId);
    this.#size -= 1;
    this.#counts[member.kind] -= 1;
  }

  /** All of them, as they are now. */
  members(): Member[] {
    return [...this.#byUser.values()].flatMap((members) => [...members]);
  }
}
