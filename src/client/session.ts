import { fullJitterMs } from "../backoff.ts";
import { Attempt } from "./attempt.ts";
import { tell } from "./emitter.ts";
import { onWake } from "./environment.ts";
import { parseMessage } from "./messages.ts";
import { Patience } from "./patience.ts";
import type { ProgressStore } from "./store.ts";
import type { Ending, Transport } from "./transport.ts";

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

/** What a session keeps up to date. */
export type SessionStore = Pick<ProgressStore, "lastId" | "jobIds" | "job" | "opened" | "apply">;

export interface SessionOptions {
  readonly url: string;
  /** Asked at every connect, and before a token expires. */
  readonly token: () => string | Promise<string>;
  readonly jobId: string | null;
  /** In the order in which they are tried. */
  readonly transports: readonly { readonly name: TransportName; readonly open: Transport }[];
  readonly store: SessionStore;
  readonly onState: (state: ConnectionState) => void;
  /** Each message as it was received, those of an unknown type too, before it is shown. */
  readonly onMessage?: (text: string) => void;
  /** For tests; absent: those below. */
  readonly times?: Partial<Times>;
}

export interface Times {
  readonly connectMs: number;
  /** The most before the first retry; doubles with each, up to `maxRetryMs`. */
  readonly minRetryMs: number;
  readonly maxRetryMs: number;
  /** Of the hub; twice as much silence is a line that is dead, until it turns out that the hub's is slower. */
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
/** Between two tokens of a connection. */
const MIN_REFRESH_MS = 5_000;
const MAX_CLIMB_MS = 15 * 60_000;
/** No hub means longer; a timer could not wait for a month. */
const MAX_AFTER_MS = 10 * 60_000;
/** A line that lived so long begins anew when it is lost; others may be cut off again and again. */
const PROVEN_MS = 10_000;

/** Keeps a store up to date over whatever way there is, until it is closed or coming back is pointless. */
export class Session {
  readonly #options: SessionOptions;
  readonly #times: Times;
  readonly #patience: Patience;
  readonly #stopWaking: () => void;
  #state: ConnectionState;
  #current: Attempt | null = null;
  /** A try of the first transport while another one is live. */
  #climbing: Attempt | null = null;
  /** What was live last. */
  #preferred = 0;
  #token = "";
  /** Losses in a row of what was not live yet. */
  #early = 0;
  #refreshedAtMs = 0;
  #failures = 0;
  #unauthorized = 0;
  #climbs = 0;
  #climbAtMs = 0;
  #isClosed = false;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #retryIndex = 0;
  #climbTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.#patience = new Patience(this.#times.heartbeatMs);
    this.#state = { phase: "connecting", transport: null, reason: null, retryAtMs: null };
    this.#stopWaking = onWake((isOnline) => this.wake(isOnline));
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
    this.#retryTimer = null;
    this.#current?.leave();
    this.#climbing?.leave();
    this.#current = null;
    this.#climbing = null;
    this.#show({ phase: "closed", transport: null, reason, retryAtMs: null });
  }

  #begin(index: number): void {
    if (this.#isClosed) return;
    const transport = this.#options.transports[index];
    if (transport === undefined) throw new Error("there is no transport to try");
    const made = new Attempt(index, this.#patience);
    this.#current = made;
    this.#show({ phase: this.#pending, transport: transport.name, retryAtMs: null });
    // Who was told may have closed it.
    if (this.#isClosed) return;
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
  #open(made: Attempt, isWanted: () => boolean, ended: (ending: Ending) => void): void {
    const { url, jobId, transports } = this.#options;
    const end = (ending: Ending): void => {
      if (!isWanted()) return;
      made.leave();
      ended(ending);
    };
    void this.#tokenOf().then((token) => {
      if (!isWanted()) return;
      if (token === null) {
        end({ kind: "untried", reason: "token_unavailable" });
        return;
      }
      this.#token = token;
      const { open } = transports[made.index] as { open: Transport };
      made.open(open, { url, jobId, token, lastEventId: this.#resumeId }, this.#times.connectMs, {
        message: (text) => {
          if (isWanted()) this.#take(made, text, isWanted);
        },
        ended: end,
      });
    });
  }

  /** null: there was none within the time to connect. */
  #tokenOf(): Promise<string | null> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(null), this.#times.connectMs);
      Promise.resolve()
        .then(this.#options.token)
        .then(resolve, () => resolve(null))
        .finally(() => clearTimeout(timer));
    });
  }

  /** Of one job that nobody has told of: its stream begins at its beginning, since an id would say that it was told. */
  get #resumeId(): string | null {
    const { store, jobId } = this.#options;
    return jobId !== null && store.jobIds().length === 0 ? null : store.lastId;
  }

  #take(made: Attempt, text: string, isWanted: () => boolean): void {
    const { store, onMessage } = this.#options;
    if (onMessage !== undefined) tell(onMessage, text);
    const message = parseMessage(text);
    // Who was told may have closed it.
    if (message === null || !isWanted()) return;
    store.apply(message);
    // Who was told may have closed it.
    if (!isWanted()) return;
    switch (message.type) {
      case "synced":
        this.#synced(made);
        this.#closeIfJobEnded(made);
        break;
      case "reconnect":
        made.afterMs = message.afterMs;
        break;
      case "token_expiring":
        this.#refresh(made);
        break;
      case "heartbeat":
        made.beat();
        break;
      case "job_completed":
        // What is left of the first batch may follow its message.
        if (made.isLive) this.#closeIfJobEnded(made);
        break;
      default:
    }
  }

  /** Over the others the hub says itself that there is no more. */
  #closeIfJobEnded(made: Attempt): void {
    const { store, jobId, transports } = this.#options;
    const name = transports[made.index]?.name;
    if (jobId === null || (name !== "websocket" && name !== "socketio")) return;
    if (store.job(jobId)?.hasEnded === true) this.close("job_ended");
  }

  #synced(made: Attempt): void {
    if (this.#climbing === made) {
      this.#current?.leave();
      this.#current = made;
      this.#climbing = null;
    }
    made.isLive = true;
    this.#preferred = made.index;
    this.#early = 0;
    this.#unauthorized = 0;
    const transport = this.#options.transports[made.index]?.name ?? null;
    const phase = transport === "polling" ? "polling" : "live";
    if (this.#state.phase !== phase || this.#state.transport !== transport) {
      this.#show({ phase, transport, reason: null, retryAtMs: null });
      this.#planClimb();
    }
  }

  /** Where the transport can't, another connection takes the next token; the same one again would change nothing. */
  #refresh(made: Attempt): void {
    // Of a service whose tokens are all about to end.
    if (Date.now() - this.#refreshedAtMs < MIN_REFRESH_MS) return;
    this.#refreshedAtMs = Date.now();
    void this.#tokenOf().then((token) => {
      if (token === null || token === this.#token || this.#current !== made) return;
      const refresh = made.refresh;
      if (refresh === null) {
        made.leave();
        this.#show({ phase: "resuming", reason: "token_expiring" });
        this.#begin(made.index);
        return;
      }
      this.#token = token;
      try {
        refresh(token);
      } catch {
        // It is closing: the next connection has another.
      }
    });
  }

  #lost(made: Attempt, ending: Ending): void {
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
        else this.#retry(made.index, null, reason);
        break;
      case "untried":
        this.#retry(made.index, null, reason);
        break;
      case "blocked":
        this.#tryNext(made.index + 1, reason);
        break;
      case "lost":
        this.#lostFor(made, made.afterMs ?? ending.afterMs, reason);
    }
  }

  #lostFor(made: Attempt, afterMs: number | null, reason: string): void {
    if (made.isLive) {
      if (Date.now() - made.beganAtMs > PROVEN_MS) this.#failures = 0;
      this.#retry(made.index, afterMs, reason);
      return;
    }
    this.#early += 1;
    // It opens and is cut off, again and again: something is in the way, and nobody said to come back later.
    if (afterMs === null && this.#early > 1) this.#tryNext(made.index + 1, reason);
    else this.#retry(made.index, afterMs, reason);
  }

  #tryNext(index: number, reason: string): void {
    this.#early = 0;
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
    const { minRetryMs: minMs, maxRetryMs: maxMs } = this.#times;
    const jitterMs = fullJitterMs(this.#failures, { minMs, maxMs }, Math.random());
    const delayMs = Math.min(MAX_AFTER_MS, Math.max(afterMs ?? 0, jitterMs));
    this.#show({ phase: this.#pending, transport: null, reason, retryAtMs: Date.now() + delayMs });
    if (this.#climbTimer !== null) clearTimeout(this.#climbTimer);
    this.#climbing?.leave();
    this.#climbing = null;
    // Who was told may have closed it.
    if (this.#isClosed) return;
    this.#retryIndex = index;
    this.#retryTimer = setTimeout(() => this.#retryNow(index), delayMs);
  }

  /**
   * Somebody looks, or the network is back: now is better than later. `isOnline`: it was away, and whatever is open is most
   * likely dead, though it looks alive.
   */
  wake(isOnline = false): void {
    if (this.#isClosed) return;
    if (this.#retryTimer !== null) {
      this.#failures = 0;
      this.#retryNow(this.#preferred);
      return;
    }
    const made = this.#current;
    // Timers stood still while the page was frozen: the watchdog has not barked yet.
    if (made?.isLive === true && (isOnline || made.isSilent)) {
      made.leave();
      this.#show({ phase: "resuming", reason: isOnline ? "network_changed" : "silence" });
      this.#begin(made.index);
    }
  }

  /** Timers of a page that nobody looks at are late: what is due is done now. */
  check(): void {
    if (this.#retryTimer === null) this.#current?.check();
    else if ((this.#state.retryAtMs ?? 0) <= Date.now()) this.#retryNow(this.#retryIndex);
  }

  #retryNow(index: number): void {
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    this.#begin(index);
  }

  /** From when a lower way is live: another loss of it in the meantime does not put it off. */
  #planClimb(): void {
    if (this.#climbTimer !== null) clearTimeout(this.#climbTimer);
    if (this.#isClosed) return;
    if (this.#preferred === 0) {
      this.#climbs = 0;
      this.#climbAtMs = 0;
      return;
    }
    const afterMs = Math.min(MAX_CLIMB_MS, this.#times.climbMs * 2 ** this.#climbs);
    if (this.#climbAtMs === 0) this.#climbAtMs = Date.now() + afterMs;
    this.#climbTimer = setTimeout(() => this.#climb(), Math.max(0, this.#climbAtMs - Date.now()));
  }

  /** Tries a higher way beside the one that is live: the first one, the next time the one below it, and so on. */
  #climb(): void {
    const made = new Attempt(this.#climbs % Math.max(1, this.#preferred), this.#patience);
    this.#climbs += 1;
    this.#climbAtMs = 0;
    this.#climbing = made;
    const isWanted = (): boolean => this.#climbing === made || this.#current === made;
    this.#open(made, isWanted, (ending) => {
      if (this.#current === made) {
        this.#lost(made, ending);
        return;
      }
      this.#climbing = null;
      this.#planClimb();
    });
  }

  #show(change: Partial<ConnectionState>): void {
    this.#state = { ...this.#state, ...change };
    this.#options.onState(this.#state);
  }
}
