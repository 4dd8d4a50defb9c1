import type { Settings } from "../config/schema.ts";
import type { Snapshot } from "../metrics/readings.ts";

/** What a child needs to begin; by IPC, since an environment or a command line could be read by others. */
interface CoreStart {
  readonly process: "core";
  readonly settings: Settings;
  /** Folder of the hub's Unix sockets, of mode 0700. */
  readonly folder: string;
  /** Unix milliseconds on a clock that is never set back: numbers of messages begin here. */
  readonly startMs: number;
  /** True: the hub is stopping, and this core takes the place of one that died meanwhile. */
  readonly isDraining: boolean;
}

interface GatewayStart {
  readonly process: "gateway";
  readonly settings: Settings;
  readonly folder: string;
  /** Decimal digits, never given twice by a primary. */
  readonly tag: string;
}

export type Start = (CoreStart | GatewayStart) & {
  /** Of the settings: what no log may hold. */
  readonly secrets: readonly string[];
  /** Of the program that the primary runs: what is on disk may be another by now. */
  readonly version: string;
};

export type StartOf<Kind extends Start["process"]> = Extract<Start, { readonly process: Kind }>;

/** The primary to a child. */
export type ToChild =
  | { readonly kind: "start"; readonly start: Start }
  /** Comes with the socket of a connection that the primary accepted. */
  | { readonly kind: "connection"; readonly connection: number }
  /** Not ready any more; a gateway sends its clients away within the time, and then ends. */
  | { readonly kind: "drain"; readonly timeoutMs: number }
  | { readonly kind: "stop" }
  /** To the core that asked: the primary's metrics. */
  | { readonly kind: "metrics"; readonly metrics: Snapshot };

/** A child to the primary. */
export type FromChild =
  /** It listens: what was sent before would be lost in a worker of node's cluster. */
  | { readonly kind: "hello" }
  /** A core reads its state, from that place. */
  | { readonly kind: "loading"; readonly place: string }
  | { readonly kind: "ready" }
  /** Every second; `connections`: sockets it holds. */
  | { readonly kind: "alive"; readonly connections: number }
  /** It has the connection: the primary may let go of its own copy. */
  | { readonly kind: "taken"; readonly connection: number }
  /** The core wants the primary's metrics. */
  | { readonly kind: "scrape" }
  /** A core has shown everything it had acknowledged. */
  | { readonly kind: "drained" }
  /** It is about to end, and why. */
  | { readonly kind: "failed"; readonly cause: string };

export function isFromChild(value: unknown): value is FromChild {
  return isOfKind(value, ["hello", "loading", "ready", "alive", "taken", "scrape", "drained", "failed"]);
}

export function isToChild(value: unknown): value is ToChild {
  return isOfKind(value, ["start", "connection", "drain", "stop", "metrics"]);
}

/** Socket.IO's adapter sends its own messages on the same channel. */
function isOfKind(value: unknown, kinds: readonly string[]): boolean {
  return typeof value === "object" && value !== null && "kind" in value && kinds.includes(String(value.kind));
}
