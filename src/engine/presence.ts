/** How a client is joined to the hub; a poll counts while it waits. */
export type ConnectionKind = "socketio" | "websocket" | "sse" | "polling";

/** One connection, as its gateway tells of it. Plain data: it crosses processes. */
export interface MemberInfo {
  /** Of its gateway alone, and never given twice by it. */
  readonly memberId: number;
  readonly userId: string;
  readonly kind: ConnectionKind;
  /** Milliseconds of `systemClock.monotonicMs`, the same for all processes of a machine. */
  readonly sinceMs: number;
}

/** What a gateway tells. */
export interface Presence {
  join(member: MemberInfo): void;
  /** Does nothing for an unknown id. */
  leave(memberId: number): void;
}

/** Codes of the catalogue. */
export type EndReason = "replaced" | "disconnected" | "token_revoked";

/** What the core may ask of a gateway. */
export interface GatewayOrders {
  /** Does nothing for ids that are not there any more. */
  end(memberIds: readonly number[], reason: EndReason): void;
}
