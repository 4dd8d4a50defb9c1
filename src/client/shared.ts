import { onWake } from "./environment.ts";
import { Relay } from "./relay.ts";
import type { ConnectionState, Session, SessionStore } from "./session.ts";
import type { ProgressStore } from "./store.ts";
import {
  type AskMessage,
  type LeaderMessage,
  readTabMessage,
  type Told,
  type UnsignedLeaderMessage,
} from "./tab-messages.ts";
import type { TabChannel, Tabs } from "./tabs.ts";

export interface SharedOptions {
  readonly tabs: Tabs;
  /** Of the lock and the channel: who has the same one shares a connection. null: nobody can tell, so none is shared. */
  readonly name: Promise<string | null>;
  readonly store: ProgressStore;
  /** A connection to the hub. */
  readonly start: (store: SessionStore, onState: (state: ConnectionState) => void) => Session;
  readonly onState: (state: ConnectionState) => void;
}

/** To learn the name; who does not has a connection of its own. */
const NAME_MS = 10_000;
/** A tab that follows looks so often whether there is somebody to follow. */
const LOOK_MS = 2_000;
/** Whoever leads was not heard for so long: it is asked. */
const QUIET_MS = 5_000;
/** So many questions without an answer, each at a look, and the lock is taken from whoever has it. */
const MAX_ASKED = 3;
/** So many looks at one who has no token: perhaps we have one. */
const MAX_HELPLESS = 5;

/**
 * One connection for all tabs of a name. Who has the lock leads: it has the connection, and tells the others what its
 * store is told. They follow: they tell their own stores the same, so that any of them can lead from where it is.
 *
 *     join -> follows -> leads, when the lock is free, or taken from one that does not answer
 *               ^  \--------> asleep (frozen, or in the back/forward cache) -> join
 *               \-- leads, until the lock is lost
 *     alone, with a connection of its own, where nothing can be shared
 */
export class SharedSession {
  readonly #options: SharedOptions;
  readonly #stops: readonly (() => void)[];
  #state: ConnectionState = { phase: "connecting", transport: null, reason: null, retryAtMs: null };
  #wasLive = false;
  #isClosed = false;
  /** null: not known yet, or alone. */
  #name: string | null = null;
  /** null: asleep, or alone. */
  #channel: TabChannel | null = null;
  /** Of the request for the lock that counts; aborted: it counts no more. */
  #queued = new AbortController();
  #release: (() => void) | null = null;
  /** Of the one that leads, as far as was heard. Later ones are higher. */
  #term = 0;

  /** While it leads, or is alone. */
  #session: Session | null = null;
  #sessions = 0;
  /** While it leads. */
  #relay: Relay | null = null;

  /**
   * While it follows, and was not told all: what it joins with. After a sleep there may be old answers in the channel, to
   * others or to itself, from before what its store has. null: it was told all.
   */
  #joins: string | null = null;
  #heardAtMs = 0;
  #asked = 0;
  #helpless = 0;
  #looking: ReturnType<typeof setInterval> | null = null;

  constructor(options: SharedOptions) {
    this.#options = options;
    this.#stops = [
      onWake(() => this.#wake()),
      options.tabs.onFreeze(
        () => this.#channel !== null && this.#leave(),
        () => this.#join(),
      ),
    ];
    void within(NAME_MS, options.name).then((name) => {
      if (this.#isClosed) return;
      this.#name = name;
      if (name === null) this.#beAlone();
      else this.#join();
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  close(reason = "closed"): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const stop of this.#stops) stop();
    this.#leave();
    this.#show({ phase: "closed", transport: null, reason, retryAtMs: null });
  }

  /** Somebody looks: also where no event says so, as in an app. */
  wake(): void {
    if (this.#session !== null) this.#session.wake();
    else this.#wake();
  }

  #join(): void {
    const name = this.#name;
    if (this.#isClosed || name === null || this.#channel !== null) return;
    try {
      const channel = this.#options.tabs.channel(name);
      channel.onmessage = ({ data }: { readonly data: unknown }) => this.#hear(data);
      this.#channel = channel;
    } catch {
      this.#beAlone();
      return;
    }
    this.#queue(false);
    this.#follow();
  }

  /** Others may take the lock. A page that is asleep must neither have it nor wait for it. */
  #leave(): void {
    this.#stopFollowing();
    this.#queued.abort();
    this.#stepDown();
    this.#channel?.close();
    this.#channel = null;
  }

  #beAlone(): void {
    this.#leave();
    this.#name = null;
    this.#start(this.#options.store);
  }

  #queue(steals: boolean): void {
    this.#queued.abort();
    const queued = new AbortController();
    this.#queued = queued;
    const { signal } = queued;
    const held = (): Promise<void> =>
      new Promise((release) => {
        if (signal.aborted) release();
        else this.#lead(release);
      });
    this.#options.tabs.locks
      .request(this.#name ?? "", steals ? { steal: true } : { signal }, held)
      .catch(() => {
        if (signal.aborted) return;
        // Stolen; or there are no locks to be had here after all.
        if (this.#relay !== null) this.#giveWay();
        else this.#beAlone();
      });
  }

  #lead(release: () => void): void {
    this.#stopFollowing();
    this.#release = release;
    this.#term = Math.max(Date.now(), this.#term + 1);
    const { store } = this.#options;
    this.#relay = new Relay(
      store,
      (message) => this.#post(message),
      () => this.#state,
    );
    this.#start(this.#relay);
  }

  #start(store: SessionStore): void {
    this.#sessions += 1;
    const serial = this.#sessions;
    const session = this.#options.start(store, (state) => {
      if (serial === this.#sessions) this.#showOwn(state);
    });
    // Who was told of its state may have closed it.
    if (serial === this.#sessions) this.#session = session;
    else session.close();
  }

  #showOwn(state: ConnectionState): void {
    if (state.phase !== "closed") {
      this.#show(state);
      this.#relay?.showState();
      return;
    }
    const reason = state.reason ?? "closed";
    // Another tab may have a better token; of all other ends there is but one.
    if (!reason.startsWith("token_") && reason !== "closed_4401") this.#relay?.end(reason);
    this.close(reason);
  }

  #stepDown(): void {
    this.#relay?.flush();
    this.#relay = null;
    this.#sessions += 1;
    this.#session?.close();
    this.#session = null;
    this.#release?.();
    this.#release = null;
  }

  #giveWay(): void {
    this.#stepDown();
    this.#queue(false);
    this.#follow();
  }

  #post(message: UnsignedLeaderMessage): void {
    if (this.#relay !== null) this.#channel?.postMessage({ ...message, term: this.#term });
  }

  #hear(data: unknown): void {
    const message = readTabMessage(data);
    if (message === null || this.#isClosed) return;
    if (message.kind === "ask") this.#answer(message);
    else if (this.#relay === null) this.#heed(message);
    // It was asleep, and another one leads.
    else if (message.term > this.#term) this.#giveWay();
  }

  #answer({ joins, wakes }: AskMessage): void {
    if (this.#relay === null) return;
    // First, since the answer is of what is then.
    if (wakes) this.#session?.wake();
    else this.#session?.check();
    this.#relay?.answer(joins);
  }

  /** Of whoever leads. */
  #heed(message: LeaderMessage): void {
    if (message.term < this.#term) return;
    const isOther = message.term > this.#term;
    this.#term = message.term;
    this.#heardAtMs = Date.now();
    this.#asked = 0;
    if (isOther) {
      this.#helpless = 0;
      // What it joins with already is newer than the last that it was told.
      this.#joins ??= newJoin();
    }
    const { store } = this.#options;
    switch (message.kind) {
      case "told":
        if (this.#joins === null) for (const told of message.told) applyTo(store, told);
        break;
      case "all":
        if (this.#joins === null ? message.isForAll : message.joined.includes(this.#joins)) {
          applyTo(store, { type: "opened" });
          for (const one of message.messages) applyTo(store, one);
          applyTo(store, { type: "synced", mode: "snapshot", id: message.lastId });
          this.#joins = null;
        }
        this.#showTold(message.state);
        break;
      case "here":
        this.#showTold(message.state);
        break;
      case "over":
        // Else it was not told of the end, and asks the hub itself.
        if (this.#joins === null) this.close(message.reason);
    }
    if (isOther) this.#ask(false);
  }

  /** What shows it is not told yet of what is live there. */
  #showTold(state: ConnectionState): void {
    const isLive = state.phase === "live" || state.phase === "polling";
    this.#show(isLive && this.#joins !== null ? { ...state, phase: "connecting" } : state);
  }

  #follow(): void {
    this.#joins = newJoin();
    this.#helpless = 0;
    if (this.#wasLive) this.#show({ phase: "resuming", transport: null, reason: null, retryAtMs: null });
    this.#looking = setInterval(() => this.#look(), LOOK_MS * (1 + Math.random() / 4));
    this.#asked = 1;
    this.#ask(false);
  }

  #stopFollowing(): void {
    if (this.#looking !== null) clearInterval(this.#looking);
    this.#looking = null;
  }

  /** By the number of looks, and not by the time: after a sleep the first answer may not have come yet. */
  #look(): void {
    this.#helpless = this.#state.reason === "token_unavailable" ? this.#helpless + 1 : 0;
    if (this.#asked >= MAX_ASKED || this.#helpless > MAX_HELPLESS) {
      this.#asked = 0;
      this.#helpless = 0;
      this.#queue(true);
    } else if (!this.#isLive || Date.now() - this.#heardAtMs >= QUIET_MS) {
      this.#asked += 1;
      this.#ask(false);
    }
  }

  #ask(wakes: boolean): void {
    this.#channel?.postMessage({ kind: "ask", joins: this.#joins, wakes });
  }

  #wake(): void {
    if (this.#looking !== null && !this.#isLive) this.#ask(true);
  }

  get #isLive(): boolean {
    return this.#state.phase === "live" || this.#state.phase === "polling";
  }

  #show(state: ConnectionState): void {
    // By whoever was told of something.
    if (this.#isClosed && state.phase !== "closed") return;
    // To another one that leads the connection is its first.
    this.#state = this.#wasLive && state.phase === "connecting" ? { ...state, phase: "resuming" } : state;
    if (this.#isLive) this.#wasLive = true;
    this.#options.onState(this.#state);
  }
}

function newJoin(): string {
  return Math.random().toString(36).slice(2);
}

function applyTo(store: ProgressStore, told: Told): void {
  if (told.type === "opened") store.opened();
  else store.apply(told);
}

/** null: it took longer, or is not to be had. */
function within<Value>(ms: number, value: Promise<Value>): Promise<Value | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), ms);
    value.then(resolve, () => resolve(null)).finally(() => clearTimeout(timer));
  });
}
