import { systemClock } from "../engine/clock.ts";
import type { OutMessage, SyncMode } from "../engine/contract.ts";
import type { ConnectionKind } from "../engine/presence.ts";
import { Histogram } from "../metrics/histogram.ts";
import { AGE_BOUNDS } from "../metrics/table.ts";

/** What a gateway has written since the start, in plain numbers: it is counted for every message and connection. */
export class Traffic {
  /** Messages; of a control message none. */
  readonly written: Record<ConnectionKind, number> = { socketio: 0, websocket: 0, sse: 0, polling: 0 };
  /** Times `synced` was said. */
  readonly synced: Record<SyncMode, number> = { snapshot: 0, resumed: 0 };
  /** Seconds from the merge of the newest event in a message until it is written to a client. */
  readonly age = new Histogram(AGE_BOUNDS);

  wrote(kind: ConnectionKind, messages: readonly OutMessage[]): void {
    this.written[kind] += messages.length;
    const nowMs = systemClock.monotonicMs();
    for (const { eventAtMs } of messages) {
      // The link rounds to milliseconds: it may seem to be ahead.
      if (eventAtMs > 0) this.age.observe(Math.max(0, nowMs - eventAtMs) / 1_000);
    }
  }
}
