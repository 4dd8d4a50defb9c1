import { messageOf } from "../message-of.ts";
import type { Patience } from "./patience.ts";
import type { Connection, Ending, Opening, Transport } from "./transport.ts";

/** Who is told of it. */
export interface AttemptEvents {
  message(text: string): void;
  ended(ending: Ending): void;
}

/** One try of one transport, until it ends or is left. Silence ends it, too. */
export class Attempt {
  readonly index: number;
  readonly beganAtMs = Date.now();
  isLive = false;
  /** From the hub's `reconnect`; null: it said nothing. */
  afterMs: number | null = null;
  readonly #patience: Patience;
  #connection: Connection | null = null;
  #events: AttemptEvents | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** Until the first message; null from then on: as long as the hub may be silent. */
  #connectMs: number | null = null;
  #heardAtMs = Date.now();
  #beatAtMs: number | null = null;

  constructor(index: number, patience: Patience) {
    this.index = index;
    this.#patience = patience;
  }

  /** null: nothing was opened yet, or this transport can't. */
  get refresh(): Connection["refresh"] {
    return this.#connection?.refresh ?? null;
  }

  /** For longer than a line that lives. */
  get isSilent(): boolean {
    return this.#leftMs <= 0;
  }

  get #leftMs(): number {
    const limitMs = this.#connectMs ?? this.#patience.limitMs;
    // A clock that was set back makes no wait longer.
    return Math.min(limitMs, this.#heardAtMs + limitMs - Date.now());
  }

  open(transport: Transport, opening: Opening, connectMs: number, events: AttemptEvents): void {
    this.#events = events;
    this.#connectMs = connectMs;
    this.#heardAtMs = Date.now();
    this.check();
    const line = {
      heard: () => {
        this.#heardAtMs = Date.now();
      },
      message: (text: string) => {
        this.#connectMs = null;
        events.message(text);
      },
      ended: events.ended,
    };
    try {
      this.#connection = transport(opening, line);
    } catch (error) {
      events.ended({ kind: "blocked", reason: messageOf(error) });
    }
  }

  /** Ends it where it was silent for too long. Timers of a page that nobody looks at are late: others may ask, too. */
  check(): void {
    if (this.#events === null) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const leftMs = this.#leftMs;
    if (leftMs > 0) this.#timer = setTimeout(() => this.check(), leftMs);
    else if (this.isLive) {
      this.#patience.lost();
      this.#events.ended({ kind: "lost", reason: "silence", afterMs: null });
    } else this.#events.ended({ kind: "blocked", reason: "timeout" });
  }

  /** The hub's heartbeat, of whatever kind the transport has. */
  beat(): void {
    const nowMs = Date.now();
    if (this.#beatAtMs !== null) this.#patience.beat(nowMs - this.#beatAtMs);
    this.#beatAtMs = nowMs;
  }

  leave(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#events = null;
    this.#connection?.close();
  }
}
