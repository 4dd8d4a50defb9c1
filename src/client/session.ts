import { onWake } from "./environment.ts";
import { parseMessage } from "./messages.ts";
import type { ProgressStore } from "./store.ts";
import type { Connection, Ending, Transport } from "./transport.ts";

export type TransportName = "websocket" | "sse" | "polling" | "socketio";

/** How the connection is, as data. */
export interface ConnectionState {
  /**
   * `connecting`: for the first time; `live`: what the store shows is what is; `polling`: the same, a little later;
   * `resuming`: it was lost, and comes back by itself; `closed`: for good, see `reason`.
   */
  readonly phase: "connecting" | "live" | "polling" | "resuming" | "closed";
  /** What carries it, or is being tried; null: nothing. */
  readonly transport: TransportName | null;
  /** A code such as `token_invalid`, `closed_1006` or `job_ended`, of the last loss or of the end; null: none. */
  readonly reason: string | null;
  /** When it is tried again, in Unix milliseconds; null: it is there, being tried, or closed. */
  readonly retryAtMs: number | null;
}

export interface SessionOptions {
  readonly url: string;
  /** Asked at every connect, and before a token expires. */
  readonly token: () => string | Promise<string>;
  readonly jobId: string | null;
  /** In the order in which they are tried. */
  readonly transports: readonly { readonly name: TransportName; readonly open: Transport }[];
  readonly store: ProgressStore;
  readonly onState: (state: ConnectionState) => void;
  /** For tests; absent: those below. */
  readonly times?: Partial<Times>;
}

export interface Times {
  readonly connectMs: number;
  /** The most before the first retry; doubles with each, up to `maxRetryMs`. */
  readonly minRetryMs: number;
  readonly maxRetryMs: number;
  /** Of the hub; twice as much silence is a line that is dead. */
  readonly heartbeatMs: number;
  /** From when a way further down the list is live until the first is tried again; doubles each time. */
  readonly climbMs: number;
}

const TIMES: Times = {
  connectMs: 10_000,
  minRetryMs: 500,
  maxRetryMs: 30_000,
  heartbeatMs: 25_000,
  climbMs: 60_000,
};
const MAX_CLIMB_MS = 15 * 60_000;

/** One try of one transport, until it ends or is left. */
interface Try {
  readonly index: number;
  connection: Connection | null;
  /** Of silence. */
  timer: ReturnType<typeof setTimeout> | null;
  isLive: boolean;
  heardAtMs: number;
  /** From the hub's `reconnect`. */
  afterMs: number | null;
}

/** Keeps a store up to date over whatever way there is, until it is closed or coming back is pointless. */
export class Session {
  readonly #options: SessionOptions;
  readonly #times: Times;
  readonly #stopWaking: () => void;
  #state: ConnectionState;
  #current: Try | null = null;
  /** A try of the first transport while another one is live. */
  #climbing: Try | null = null;
  /** What was live last. */
  #preferred = 0;
  #failures = 0;
  #unauthorized = 0;
  #climbs = 0;
  #isClosed = false;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #climbTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.#state = { phase: "connecting", transport: null, reason: null, retryAtMs: null };
    this.#stopWaking = onWake(() => this.#wake());
    this.#begin(0);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  close(reason = "closed"): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopWaking();
    for (const timer of [this.#retryTimer, this.#climbTimer]) if (timer !== null) clearTimeout(timer);
    this.#leave(this.#current);
    this.#leave(this.#climbing);
    this.#current = null;
    this.#climbing = null;
    this.#show({ phase: "closed", transport: null, reason, retryAtMs: null });
  }

  #begin(index: number): void {
    const transport = this.#options.transports[index];
    if (transport === undefined) throw new Error("there is no transport to try");
    const made = newTry(index);
    this.#current = made;
    this.#show({ phase: this.#pending, transport: transport.name, retryAtMs: null });
    this.#options.store.opened();
    this.#open(
      made,
      () => this.#current === made,
      (ending) => this.#lost(made, ending),
    );
  }

  get #pending(): "connecting" | "resuming" {
    return this.#state.phase === "connecting" ? "connecting" : "resuming";
  }

  /** Opens what the try is of; `isWanted`: nobody has left it. */
  #open(made: Try, isWanted: () => boolean, ended: (ending: Ending) => void): void {
    const { url, jobId, store, transports, token } = this.#options;
    const end = (ending: Ending): void => {
      if (!isWanted()) return;
      this.#leave(made);
      ended(ending);
    };
    // Until the first sign of life, then for as long as the hub may be silent.
    let limitMs = this.#times.connectMs;
    const silent = (): void => {
      const leftMs = made.heardAtMs + limitMs - Date.now();
      if (leftMs > 0) made.timer = setTimeout(silent, leftMs);
      else
        end({
          kind: made.isLive ? "lost" : "blocked",
          reason: made.isLive ? "silence" : "timeout",
          afterMs: null,
        });
    };
    made.timer = setTimeout(silent, limitMs);
    Promise.resolve()
      .then(token)
      .then((text) => {
        if (!isWanted()) return;
        const opening = { url, jobId, token: text, lastEventId: store.lastId };
        made.connection = (transports[made.index] as { open: Transport }).open(opening, {
          heard: () => {
            made.heardAtMs = Date.now();
          },
          message: (message) => {
            if (isWanted()) this.#take(made, message);
            limitMs = 2 * this.#times.heartbeatMs;
          },
          ended: end,
        });
      })
      .catch(() => end({ kind: "lost", reason: "token_unavailable", afterMs: null }));
  }

  #take(made: Try, text: string): void {
    const message = parseMessage(text);
    if (message === null) return;
    this.#options.store.apply(message);
    switch (message.type) {
      case "synced":
        this.#synced(made);
        break;
      case "reconnect":
        made.afterMs = message.afterMs;
        break;
      case "token_expiring":
        this.#refresh(made);
        break;
      default:
    }
  }

  #synced(made: Try): void {
    if (this.#climbing === made) {
      this.#leave(this.#current);
      this.#current = made;
      this.#climbing = null;
    }
    made.isLive = true;
    this.#preferred = made.index;
    this.#failures = 0;
    this.#unauthorized = 0;
    const transport = this.#options.transports[made.index]?.name ?? null;
    const phase = transport === "polling" ? "polling" : "live";
    if (this.#state.phase !== phase || this.#state.transport !== transport) {
      this.#show({ phase, transport, reason: null, retryAtMs: null });
      this.#planClimb();
    }
  }

  /** Where the transport can't, another connection takes the next token. */
  #refresh(made: Try): void {
    const refresh = made.connection?.refresh ?? null;
    if (refresh === null) {
      if (this.#current !== made) return;
      this.#leave(made);
      this.#show({ phase: "resuming", reason: "token_expiring" });
      this.#begin(made.index);
      return;
    }
    Promise.resolve()
      .then(this.#options.token)
      .then((token) => {
        if (this.#current === made) refresh(token);
      })
      // The hub closes it when it has expired, and then it is asked for again.
      .catch(() => undefined);
  }

  #lost(made: Try, ending: Ending): void {
    this.#current = null;
    const { reason } = ending;
    switch (ending.kind) {
      case "over":
        this.close(reason);
        break;
      case "unauthorized":
        this.#unauthorized += 1;
        // Two in a row: a fresh token is no better.
        if (this.#unauthorized > 1) this.close(reason);
        else this.#retry(made.index, 0, reason);
        break;
      case "blocked":
        this.#tryNext(made.index + 1, reason);
        break;
      case "lost":
        this.#retry(made.isLive ? made.index : this.#preferred, made.afterMs ?? ending.afterMs, reason);
    }
  }

  #tryNext(index: number, reason: string): void {
    if (index >= this.#options.transports.length) {
      this.#retry(0, null, reason);
      return;
    }
    this.#show({ phase: this.#pending, reason });
    this.#begin(index);
  }

  /** `afterMs` null: full jitter up to a ceiling that doubles. */
  #retry(index: number, afterMs: number | null, reason: string): void {
    this.#failures += 1;
    const ceilingMs = Math.min(this.#times.maxRetryMs, this.#times.minRetryMs * 2 ** (this.#failures - 1));
    const delayMs = afterMs ?? Math.random() * ceilingMs;
    const phase = this.#state.phase === "connecting" ? "connecting" : "resuming";
    this.#show({ phase, transport: null, reason, retryAtMs: Date.now() + delayMs });
    if (this.#climbTimer !== null) clearTimeout(this.#climbTimer);
    this.#leave(this.#climbing);
    this.#climbing = null;
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = null;
      this.#begin(index);
    }, delayMs);
  }

  /** Somebody looks, or the network is back: now is better than later. */
  #wake(): void {
    if (this.#isClosed) return;
    if (this.#retryTimer !== null) {
      clearTimeout(this.#retryTimer);
      this.#retryTimer = null;
      this.#failures = 0;
      this.#begin(this.#preferred);
      return;
    }
    const made = this.#current;
    // Timers stood still while the page was frozen: the watchdog has not barked yet.
    if (made?.isLive === true && Date.now() - made.heardAtMs > 2 * this.#times.heartbeatMs) {
      this.#leave(made);
      this.#show({ phase: "resuming", reason: "silence" });
      this.#begin(made.index);
    }
  }

  #planClimb(): void {
    if (this.#climbTimer !== null) clearTimeout(this.#climbTimer);
    if (this.#preferred === 0) {
      this.#climbs = 0;
      return;
    }
    const afterMs = Math.min(MAX_CLIMB_MS, this.#times.climbMs * 2 ** this.#climbs);
    this.#climbTimer = setTimeout(() => this.#climb(), afterMs);
  }

  /** Tries the first way beside the one that is live. */
  #climb(): void {
    this.#climbs += 1;
    const made = newTry(0);
    this.#climbing = made;
    const isWanted = (): boolean => this.#climbing === made || this.#current === made;
    this.#open(made, isWanted, (ending) => {
      if (this.#current === made) return this.#lost(made, ending);
      this.#climbing = null;
      this.#planClimb();
    });
  }

  #leave(made: Try | null): void {
    if (made === null) return;
    if (made.timer !== null) clearTimeout(made.timer);
    made.connection?.close();
  }

  #show(change: Partial<ConnectionState>): void {
    this.#state = { ...this.#state, ...change };
    this.#options.onState(this.#state);
  }
}

function newTry(index: number): Try {
  return { index, connection: null, timer: null, isLive: false, heardAtMs: Date.now(), afterMs: null };
}
