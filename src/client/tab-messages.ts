import type { HubMessage } from "./messages.ts";
import type { ConnectionState } from "./session.ts";

/** What the store of the tab that has the connection was told: of a message, or that a connection begins. */
export type Told = HubMessage | { readonly type: "opened" };

/** Of the tab that has the connection. */
export type UnsignedLeaderMessage =
  | { readonly kind: "here"; readonly state: ConnectionState }
  | { readonly kind: "told"; readonly told: readonly Told[] }
  /** All that is known. `isForAll` false: for those who have joined; the others were told all of it already. */
  | {
      readonly kind: "all";
      readonly isForAll: boolean;
      /** Whom it is the first for, by what they joined with. */
      readonly joined: readonly string[];
      readonly messages: readonly HubMessage[];
      readonly lastId: string | null;
      readonly state: ConnectionState;
    }
  /** There is no more to come for anybody. */
  | { readonly kind: "over"; readonly reason: string };

/** Of two that think that they lead, the one of the higher term is right. */
export type LeaderMessage = UnsignedLeaderMessage & { readonly term: number };

/** Is anybody there? `wakes`: somebody looks. */
export interface AskMessage {
  readonly kind: "ask";
  /** To be told all, which then names this; null: it was. */
  readonly joins: string | null;
  readonly wakes: boolean;
}

export type TabMessage = LeaderMessage | AskMessage;

const KINDS: ReadonlySet<unknown> = new Set(["ask", "here", "told", "all", "over"]);

/** null: none that this version knows. Only scripts of the same origin can send any. */
export function readTabMessage(value: unknown): TabMessage | null {
  if (typeof value !== "object" || value === null || !("kind" in value)) return null;
  return KINDS.has(value.kind) ? (value as TabMessage) : null;
}
