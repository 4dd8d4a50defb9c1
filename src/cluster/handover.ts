import { createServer, type Server, type Socket } from "node:net";
import { listen } from "../listening.ts";

/** A process that is handed connections. */
export interface Taker {
  /** Hands it the socket; it says `taken` with the same number. */
  hand(connection: number, socket: Socket): void;
}

/** Handed to one taker and not taken yet: as many as a process that hangs can keep waiting. */
const MAX_UNDERWAY = 4;
/** Accepted, and nobody there to take them: more than this are dropped. */
const MAX_WAITING = 10_000;
/** Without anybody to hand them to. */
const WAIT_AT_MOST_MS = 10_000;
/** Handed to a taker that says nothing: longer than it takes to kill one that hangs, after which another gets them. */
const UNDERWAY_AT_MOST_MS = 20_000;
const SWEEP_EVERY_MS = 1_000;

interface Waiting {
  readonly socket: Socket;
  readonly untilMs: number;
}

/** What is known of a taker. */
interface Place {
  readonly underway: Map<number, Waiting>;
  /** False: it takes no more. */
  isOpen: boolean;
  /** Connections it holds, as it last said, and those handed to it since. */
  load: number;
}

export interface HandoverStats {
  /** Connections handed to a process, dropped because nobody took them in time (both since the start), and waiting now. */
  readonly handed: number;
  readonly dropped: number;
  readonly waiting: number;
}

/**
 * A listening port that outlives the processes behind it. Connections are accepted here, not read, and handed to the
 * process that holds the fewest. This copy of a socket is let go only when the other side says that it has its own: what
 * a process had not taken when it died goes to another one, where node's cluster would leave it hanging for ever.
 */
export class Handover {
  readonly #server: Server;
  readonly #places = new Map<Taker, Place>();
  readonly #sweep: NodeJS.Timeout;
  #waiting: Waiting[] = [];
  #last = 0;
  #handed = 0;
  #dropped = 0;

  constructor() {
    const options = { pauseOnConnect: true, noDelay: true, allowHalfOpen: true };
    this.#server = createServer(options, (socket) => this.#accept(socket));
    this.#sweep = setInterval(() => this.#dropLate(), SWEEP_EVERY_MS).unref();
  }

  get stats(): HandoverStats {
    return { handed: this.#handed, dropped: this.#dropped, waiting: this.#waiting.length };
  }

  /** Resolves with the port, the real one where 0 was asked for. Rejects with the system's error, such as EADDRINUSE. */
  listen(host: string, port: number): Promise<number> {
    return listen(this.#server, { host, port });
  }

  add(taker: Taker): void {
    this.#places.set(taker, { underway: new Map(), isOpen: true, load: 0 });
    this.#distribute();
  }

  /** It is handed nothing more; what is on its way to it still gets there. */
  retire(taker: Taker): void {
    const place = this.#places.get(taker);
    if (place !== undefined) place.isOpen = false;
  }

  /** The process is gone: what it had not taken goes to others, first of all. */
  gone(taker: Taker): void {
    const place = this.#places.get(taker);
    if (!this.#places.delete(taker) || place === undefined) return;
    const untilMs = performance.now() + WAIT_AT_MOST_MS;
    this.#waiting.unshift(...[...place.underway.values()].map(({ socket }) => ({ socket, untilMs })));
    this.#distribute();
  }

  taken(taker: Taker, connection: number): void {
    const place = this.#places.get(taker);
    const handed = place?.underway.get(connection);
    if (place === undefined || handed === undefined) return;
    place.underway.delete(connection);
    handed.socket.destroy();
    this.#distribute();
  }

  /** How many connections it holds. */
  report(taker: Taker, connections: number): void {
    const place = this.#places.get(taker);
    if (place !== undefined) place.load = connections + place.underway.size;
  }

  /** Stops listening and drops what nobody has taken. */
  close(): void {
    clearInterval(this.#sweep);
    this.#server.close();
    for (const { socket } of this.#waiting) socket.destroy();
    for (const { underway } of this.#places.values())
      for (const { socket } of underway.values()) socket.destroy();
    this.#waiting = [];
    this.#places.clear();
  }

  #accept(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    if (this.#waiting.length >= MAX_WAITING) {
      this.#drop(socket);
      return;
    }
    this.#waiting.push({ socket, untilMs: performance.now() + WAIT_AT_MOST_MS });
    this.#distribute();
  }

  #distribute(): void {
    while (this.#waiting.length > 0) {
      const least = this.#leastLoaded();
      if (least === null) return;
      const next = this.#waiting.shift();
      if (next === undefined || next.socket.destroyed) continue;
      const [taker, place] = least;
      this.#last += 1;
      this.#handed += 1;
      place.load += 1;
      const untilMs = performance.now() + UNDERWAY_AT_MOST_MS;
      place.underway.set(this.#last, { socket: next.socket, untilMs });
      taker.hand(this.#last, next.socket);
    }
  }

  #leastLoaded(): readonly [Taker, Place] | null {
    let least: readonly [Taker, Place] | null = null;
    for (const entry of this.#places) {
      const [, place] = entry;
      if (!place.isOpen || place.underway.size >= MAX_UNDERWAY) continue;
      if (least === null || place.load < least[1].load) least = entry;
    }
    return least;
  }

  #dropLate(): void {
    const nowMs = performance.now();
    // One that is short of descriptors can't take them, and can't say so.
    for (const { underway } of this.#places.values()) {
      for (const [connection, { socket, untilMs }] of underway) {
        if (untilMs > nowMs) continue;
        underway.delete(connection);
        this.#drop(socket);
      }
    }
    this.#distribute();
    const late = this.#waiting.filter(({ untilMs }) => untilMs <= nowMs);
    if (late.length === 0) return;
    this.#waiting = this.#waiting.filter(({ untilMs }) => untilMs > nowMs);
    for (const { socket } of late) this.#drop(socket);
  }

  #drop(socket: Socket): void {
    this.#dropped += 1;
    socket.destroy();
  }
}
