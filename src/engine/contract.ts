import type { DomainEvent } from "../domain/events.ts";
import type { MessageType } from "../domain/messages.ts";
import type { ErrorCode } from "../errors.ts";

/** One message as every transport sends it. Encoded once, in the core; nobody behind the core parses `json`. */
export interface OutMessage {
  /** Place in the order of the user's messages; `id` is `<epoch>-<seq>`. */
  readonly seq: number;
  readonly id: string;
  readonly type: MessageType;
  readonly jobId: string;
  readonly json: string;
  /** Of `json` in UTF-8: known where it is made, so that no transport has to count. */
  readonly bytes: number;
  /** CLOCK_MONOTONIC milliseconds of the newest event in it; 0: no event made it (a replay, a deadline). */
  readonly eventAtMs: number;
}

export interface Rejection {
  /** Position in the published array, from 0. */
  readonly index: number;
  /** The event's id; null: it has none. */
  readonly id: string | null;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface PublishResult {
  readonly accepted: number;
  readonly unchanged: number;
  /** Positions of the unchanged ones, ascending. */
  readonly unchangedAt: readonly number[];
  readonly rejected: readonly Rejection[];
}

export type SyncMode = "snapshot" | "resumed";

/** Where a reader stands: before its first page (with the id it came with), or after a page of an epoch. */
export type ReadFrom =
  | { readonly kind: "start"; readonly lastEventId: string | null }
  | { readonly kind: "after"; readonly epoch: string; readonly seq: number; readonly mode: "resumed" }
  | {
      readonly kind: "after";
      readonly epoch: string;
      readonly seq: number;
      readonly mode: "snapshot" | "lost";
      /** The engine's time of the first page, by which all pages tell recent from past. */
      readonly asOfMs: number;
    };

export interface ReadQuery {
  readonly userId: string;
  /** null: all jobs of the user. */
  readonly jobId: string | null;
  readonly from: ReadFrom;
}

/** What the hub knows of the one job asked for. */
export interface JobGlance {
  readonly ended: boolean;
  /** seq of its `job_completed`, 0 before. */
  readonly endedSeq: number;
}

export interface Page {
  readonly messages: readonly OutMessage[];
  /** Continue here; `kind: "after"` always. */
  readonly next: Extract<ReadFrom, { kind: "after" }>;
  readonly mode: SyncMode;
  /** It is the first of a snapshot. */
  readonly begins: boolean;
  /** The user's head when the page was read, as seq and as id. */
  readonly head: number;
  readonly headId: string;
  /** True: the next message has the next number. False: the user's numbers have not begun, and may anywhere above. */
  readonly isNextKnown: boolean;
  /** True: nothing is left up to `head`. */
  readonly done: boolean;
  /** null: no single job was asked for, or the user has no such job. */
  readonly job: JobGlance | null;
}

/** The receiving end of a connection. Calls never throw; they come in order, each from the event loop's own turn. */
export interface Sink {
  /** Takes messages in seq order. False: it wants no more until `Subscription.resume()`; nothing is queued meanwhile. */
  send(messages: readonly OutMessage[]): boolean;
  /** Everything up to `headId` was sent. `isJobKnown` false: a one-job connection whose user has no such job yet. */
  synced(mode: SyncMode, headId: string, isJobKnown: boolean): void;
  /** A one-job connection: the job has ended and everything up to the head was sent. May come more than once. */
  jobEnded(): void;
  /** The engine can't serve this connection any more. */
  failed(error: unknown): void;
}

export interface Subscription {
  /** Leaves a hold: reads what was missed, sends it, says `synced`, goes live. Does nothing when not held. */
  resume(): void;
  close(): void;
}

export interface OpenOptions {
  readonly jobId: string | null;
  readonly lastEventId: string | null;
}

/** Takes a user's messages as they are shown: a connection's feed, or a link to where the user's connections are. */
export interface Receiver {
  /** Messages just shown to the user, in order, at most one group's worth. */
  push(userId: string, group: readonly OutMessage[]): void;
  /** What the user was sent may be incomplete, or not hold any more: whoever was sent it reads again from there. */
  resync(userId: string): void;
}

/** Live messages for whoever asks `since(...)` by itself. Subscribe first, then read. */
export interface LiveSource {
  watch(userId: string, receiver: Receiver): void;
  unwatch(userId: string, receiver: Receiver): void;
}

/** Between the gateways and the state. Implemented by the core itself and by the link; tested by one conformance suite. */
export interface Engine {
  /** Merges events; resolves when they are merged and, where the store is durable, committed. */
  publish(events: readonly DomainEvent[]): Promise<PublishResult>;
  /** `since(lastEventId)`, then live, in order, joined without a gap or a repetition. */
  open(userId: string, options: OpenOptions, sink: Sink): Subscription;
  /** One page (at most 64 KiB of messages) of what `open` would send. */
  read(query: ReadQuery): Promise<Page>;
  /** The present message of the job, or of each job that a snapshot would hold, oldest first. */
  jobs(userId: string, jobId: string | null): Promise<readonly OutMessage[]>;
  health(): { readonly ready: boolean; readonly reason: string | null };
}
