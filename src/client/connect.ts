import { tell } from "./emitter.ts";
import { JobHandle } from "./job.ts";
import { pollingTransport } from "./polling.ts";
import {
  type ConnectionState,
  Session,
  type SessionStore,
  type Times,
  type TransportName,
} from "./session.ts";
import { SharedSession } from "./shared.ts";
import { socketIoTransport } from "./socketio.ts";
import { sseTransport } from "./sse.ts";
import { ProgressStore, type StoreEvents } from "./store.ts";
import { tabsHere, tokensOfOneUser } from "./tabs.ts";
import type { Transport } from "./transport.ts";
import { type WebSocketClass, webSocketTransport } from "./websocket.ts";

export interface ConnectOptions {
  /** Base of the hub's public listener: `https://hub.example.com`. */
  readonly url: string;
  /** A token of the user; asked again at every connect and before it expires, so fetch it, don't keep it. */
  readonly token: () => string | Promise<string>;
  /** Only this job; absent: all of the user's. */
  readonly jobId?: string;
  /** In the order in which they are tried; absent: `["websocket", "sse", "polling"]`. `socketio` loads its client first. */
  readonly transports?: readonly TransportName[];
  /** Absent: the global one. */
  readonly fetch?: typeof globalThis.fetch;
  /** Absent: the global one; where there is none, WebSocket is left out. */
  readonly WebSocket?: WebSocketClass;
  /**
   * True: all tabs of this browser that ask the same hub for the same user (by the token's subject) and the same job share
   * one connection. Where the hub takes the user from another claim, give what tells users apart instead. Absent, or where
   * there are no Web Locks and no BroadcastChannel: one of its own.
   */
  readonly share?: boolean | string;
  /** What shows it; absent: a new one. That of a connection before it goes on where it was: one of the same user. */
  readonly store?: ProgressStore;
  /** Each message as it was received, before it is shown: those about the connection and of unknown types too. */
  readonly onMessage?: (text: string) => void;
  /** Absent: as a browser should; for tests. */
  readonly times?: Partial<Times>;
}

const ORDER = ["websocket", "sse", "polling"] as const;

/** Follows the progress of a user's uploads. Comes back by itself until it is closed, or told that coming back is pointless. */
export function connect(options: ConnectOptions): Progress {
  return new Progress(options);
}

export class Progress {
  readonly store: ProgressStore;
  readonly #session: Session | SharedSession;
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  #state: ConnectionState | null = null;

  constructor({ url, token, jobId, onMessage, times, share = false, ...options }: ConnectOptions) {
    // Throws where it is no URL, here and not in the midst of a connection.
    new URL(url);
    this.store = options.store ?? new ProgressStore();
    const { fetch = globalThis.fetch.bind(globalThis), transports = ORDER } = options;
    const WebSocket = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
    const known: Readonly<Record<TransportName, Transport | null>> = {
      websocket:
        WebSocket === undefined
          ? null
          : webSocketTransport(WebSocket, transports.length === 1 ? fetch : null),
      sse: sseTransport(fetch),
      polling: pollingTransport(fetch),
      socketio: socketIoTransport(),
    };
    const usable = transports.flatMap((name) => {
      const open = known[name];
      return open === null ? [] : [{ name, open }];
    });
    if (usable.length === 0) throw new TypeError("none of the transports is to be had here");
    const start = (
      store: SessionStore,
      ask: ConnectOptions["token"],
      onState: (state: ConnectionState) => void,
    ) =>
      new Session({
        ...{ url, token: ask, jobId: jobId ?? null, transports: usable, store, onState },
        ...(onMessage !== undefined && { onMessage }),
        ...(times !== undefined && { times }),
      });
    const onState = (state: ConnectionState): void => this.#show(state);
    const tabs = share === false || share === "" ? null : tabsHere();
    if (tabs === null) {
      this.#session = start(this.store, token, onState);
      return;
    }
    const one = share === true ? tokensOfOneUser(token) : { user: Promise.resolve(`=${share}`), token };
    const what = [new URL(url).href, jobId ?? null, usable.map(({ name }) => name)];
    this.#session = new SharedSession({
      ...{ tabs, store: this.store, onState },
      name: one.user.then((user) => (user === null ? null : nameOf([user, ...what]))),
      start: (store, told) => start(store, one.token, told),
    });
  }

  /** The same object until it changes. */
  get state(): ConnectionState {
    return this.#state ?? this.#session.state;
  }

  /** Called at each change; gives back what ends it. */
  onState(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** `photo` and `job`: each state as it comes; `ended`: a job's end, once. Gives back what ends it. */
  on<Name extends keyof StoreEvents>(name: Name, listener: (value: StoreEvents[Name]) => void): () => void {
    return this.store.events.on(name, listener);
  }

  job(jobId: string): JobHandle {
    return new JobHandle(jobId, this.store, (listener) => this.#whenClosed(listener));
  }

  /**
   * Comes back without waiting where it waits to come back, or has heard nothing for too long. A browser's page
   * does so by itself; an app calls it when it is back in the foreground.
   */
  wake(): void {
    this.#session.wake();
  }

  /** For good. What the store shows stays. */
  close(): void {
    this.#session.close();
  }

  #show(state: ConnectionState): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) tell(listener, state);
  }

  #whenClosed(listener: (reason: string) => void): () => void {
    const look = ({ phase, reason }: ConnectionState): void => {
      if (phase === "closed") listener(reason ?? "closed");
    };
    const stop = this.onState(look);
    look(this.state);
    return stop;
  }
}

/** Of what tabs of different versions do not say to each other. */
const PROTOCOL = "progress-hub 2";

function nameOf(what: readonly unknown[]): string {
  return JSON.stringify([PROTOCOL, ...what]);
}
