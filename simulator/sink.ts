import type { CloudEvent } from "./event.ts";

/** What the hub said of one batch; of a sink that can't tell, all is accepted. */
export interface SinkAnswer {
  readonly accepted: number;
  readonly unchanged: number;
  /** Index: in the batch, from 0. */
  readonly rejected: readonly { readonly index: number; readonly code: string; readonly message: string }[];
}

/** Where events go. */
export interface Sink {
  /** In words, after "into". */
  readonly name: string;
  /** Resolves when they are there; null: `signal` aborted it. Throws an `IngestError`. */
  send(events: readonly CloudEvent[], signal: AbortSignal): Promise<SinkAnswer | null>;
  /** Resolves when what goes on after `send` has come to its end; absent: nothing does. Throws an `IngestError`. */
  settled?(signal: AbortSignal): Promise<void>;
}
