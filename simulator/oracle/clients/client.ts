import type { ClientRecord } from "../client-record.ts";

export interface ClientOptions {
  readonly publicUrl: string;
  readonly token: string;
  readonly record: ClientRecord;
}

/** A client that comes back by itself, until it is closed. */
export interface Client {
  readonly record: ClientRecord;
  /** What carries it now: `polling`, `websocket`, `sse`. */
  transport(): string;
  close(): void;
}

export const ALL_TYPES = [
  ...(["upload_started", "upload_progress", "upload_completed", "upload_failed"] as const),
  ...(["job_progress", "job_completed"] as const),
  ...(["synced", "token_expiring", "heartbeat", "reconnect", "closing"] as const),
] as const;
