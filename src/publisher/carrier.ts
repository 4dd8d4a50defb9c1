import type { HubError } from "../errors.ts";
import type { Slot } from "./queue.ts";

/** The hub's word on one event of a batch. */
export interface EventRejection {
  readonly index: number;
  readonly error: HubError;
}

export type Outcome =
  /** The hub has seen every event; those not listed are committed. */
  | { readonly kind: "answered"; readonly rejected: readonly EventRejection[] }
  /** 413: fewer events may fit. `byCount`: the number was too large, not the bytes. */
  | { readonly kind: "too_large"; readonly byCount: boolean; readonly error: HubError }
  /** The same request may succeed later, at the earliest after `notBeforeMs` (0: any time). */
  | { readonly kind: "failed"; readonly notBeforeMs: number; readonly error: HubError }
  /** The same request would fail again. */
  | { readonly kind: "refused"; readonly error: HubError };

export interface Batch {
  /** In order, at least one. */
  readonly slots: readonly Pick<Slot, "json">[];
  /** All of them as a JSON array. */
  readonly body: string;
}

/** The way to the hub; one batch at a time. */
export interface Carrier {
  /** Never throws. null: broken off by `signal`, after which nothing is sent any more, and connections are let go. */
  send(batch: Batch, signal: AbortSignal): Promise<Outcome | null>;
}
