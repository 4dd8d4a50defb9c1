import type { OutMessage, SyncMode } from "../engine/contract.ts";
import type { ConnectionKind } from "../engine/presence.ts";
import { type ErrorCode, errorCatalogue } from "../errors.ts";

/** What the hub says beside the messages themselves. Sent as JSON with these fields. */
export type Control =
  | { readonly type: "synced"; readonly mode: SyncMode; readonly id: string }
  | { readonly type: "token_expiring"; readonly expiresIn: number }
  | { readonly type: "heartbeat" }
  | { readonly type: "reconnect"; readonly afterMs: number };

/** Why the hub ends a connection. */
export interface Ending {
  /** WebSocket close code; null: a stream that has said everything, or is old enough. */
  readonly closeCode: number | null;
  readonly reason: ErrorCode | "job_ended" | "max_age";
  /** False: the client must stay away by itself. */
  readonly comesBack: boolean;
  /** When it may come back: `reconnect` says so first. null: says nothing. */
  readonly afterMs: number | null;
}

/**
 * One way out to one client. Nothing here throws, and nothing is written after `end`. `Connection` decides what is
 * written and when; a transport knows only how.
 */
export interface Transport {
  readonly kind: ConnectionKind;
  /** Says to whom it reports; once, before anything else. */
  carry(events: TransportEvents): void;
  /** Writes the messages in one go. */
  write(messages: readonly OutMessage[]): void;
  /** `eventId`: what a client that knows ids beside messages resumes from; null or absent: as before. */
  control(message: Control, eventId?: string | null): void;
  /** Bytes written that the kernel has not taken yet. */
  bufferedBytes(): number;
  /** Says what the ending wants said, after what is already written, and closes. */
  end(ending: Ending): void;
  /** Drops the connection and all it buffers, at once. */
  terminate(): void;
}

/** What a transport reports to the connection it carries. */
export interface TransportEvents {
  /** The kernel has taken something. */
  drained(): void;
  closed(): void;
}

export function endingOf(code: ErrorCode, afterMs: number | null = null): Ending {
  const { closeCode, retryable } = errorCatalogue[code];
  // 4401 is not for good: the client comes back with a fresh token, or is told at its next try.
  return { closeCode: closeCode ?? 1011, reason: code, comesBack: retryable || closeCode === 4401, afterMs };
}

/** Somewhere in the range, so that many clients told at once do not come back at once. */
export function spread(fromMs: number, toMs: number): number {
  return Math.round(fromMs + Math.random() * (toMs - fromMs));
}
