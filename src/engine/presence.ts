export type ConnectionKind = "socketio" | "websocket" | "sse" | "polling";

/** What the core knows of one connection. */
export interface MemberInfo {
  /** Unique within its gateway. */
  readonly memberId: number;
  readonly userId: string;
  readonly kind: ConnectionKind;
  /** CLOCK_MONOTONIC milliseconds, the same for all processes of a machine. */
  readonly sinceMs: number;
}

/** What a gateway tells the core of who is connected to it. */
export interface Presence {
  join(member: MemberInfo): void;
  /** Does nothing for an unknown id. */
  leave(memberId: number): void;
}

export type EndReason = "replaced" | "disconnected" | "token_revoked";

/** What the core may ask of a gateway. */
export interface GatewayOrders {
  end(memberIds: readonly number[], reason: EndReason): void;
}
