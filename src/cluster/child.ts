import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import type { Snapshot } from "../metrics/readings.ts";
import type { Taker } from "./handover.ts";
import { type FromChild, isFromChild, type Start, type ToChild } from "./messages.ts";

export interface ChildEvents {
  /** It serves from now on. */
  ready(): void;
  alive(connections: number): void;
  taken(connection: number): void;
  /** It wants the primary's metrics. */
  scrape(): void;
  /** Once; nothing comes after it. `cause`: why, in one line. */
  exited(cause: string): void;
}

/** What a process dies of, if it does not go round in circles, that reads a damaged file which is mapped into its memory. */
const SIGNALS_OF_DAMAGE: ReadonlySet<NodeJS.Signals> = new Set(["SIGSEGV", "SIGBUS", "SIGABRT", "SIGILL"]);

/** One process that the primary started. */
export class Child implements Taker {
  /** Monotonic milliseconds. The primary moves both on by the time it could not look itself. */
  startedAtMs = performance.now();
  /** Of the newest sign of life; null: none yet. */
  aliveAtMs: number | null = null;
  #readyAtMs: number | null = null;
  /** Resolves when it serves. Rejects with the cause when it ends before. */
  readonly ready: Promise<void>;
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>;
  readonly #process: ChildProcess;
  readonly #drained: Promise<void>;
  #onReady: () => void = () => {};
  #onDrained: () => void = () => {};
  #cause: string | null = null;
  /** Where it reads its state from just now; null: it doesn't. */
  #loadingFrom: string | null = null;
  #isHung = false;

  constructor(process: ChildProcess, start: Start, events: ChildEvents) {
    this.#process = process;
    this.#drained = new Promise((resolve) => {
      this.#onDrained = resolve;
    });
    const ended = new Promise<string>((resolve) => {
      process.once("exit", (code, signal) =>
        resolve(signal === null ? `exit code ${code}` : `signal ${signal}${this.#suspicionAt(signal)}`),
      );
      // A process that could not be started has no exit.
      process.on("error", (error) => {
        if (process.pid === undefined) resolve(error.message);
      });
    }).then((how) => (this.#cause === null ? how : `${how}: ${this.#cause}`));
    this.exited = ended.then((cause) => events.exited(cause));
    this.ready = new Promise((resolve, reject) => {
      this.#onReady = resolve;
      void ended.then((cause) => reject(new Error(cause)));
    });
    // Whoever waits for it is told all the same.
    this.ready.catch(ignore);
    process.on("message", (message: unknown) => {
      if (isFromChild(message)) this.#take(message, start, events);
    });
  }

  get isReady(): boolean {
    return this.#readyAtMs !== null;
  }

  /** How long it served and gave signs of life; one that hangs gives none. */
  get servedMs(): number {
    return this.#readyAtMs === null ? 0 : Math.max(0, (this.aliveAtMs ?? 0) - this.#readyAtMs);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  hand(connection: number, socket: Socket): void {
    // Our copy stays open until the child says that it has its own.
    this.#process.send(
      { kind: "connection", connection } satisfies ToChild,
      socket,
      { keepOpen: true },
      ignore,
    );
  }

  /** Resolves when it says that it has drained, or is gone. */
  async drain(timeoutMs: number): Promise<void> {
    this.#send({ kind: "drain", timeoutMs });
    await Promise.race([this.#drained, this.exited]);
  }

  stop(): void {
    this.#send({ kind: "stop" });
  }

  /** The answer to `scrape`. */
  tellMetrics(metrics: Snapshot): void {
    this.#send({ kind: "metrics", metrics });
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  /** It gives no sign of life. */
  killHung(): void {
    this.#isHung = true;
    this.kill();
  }

  #suspicionAt(signal: NodeJS.Signals): string {
    const isOfDamage = this.#isHung || SIGNALS_OF_DAMAGE.has(signal);
    if (this.#loadingFrom === null || !isOfDamage) return "";
    return ` while it read ${this.#loadingFrom}, which may be damaged; put back a copy, or move it away to begin anew`;
  }

  #send(message: ToChild): void {
    // One that is gone says so by its exit.
    this.#process.send(message, undefined, {}, ignore);
  }

  #take(message: FromChild, start: Start, events: ChildEvents): void {
    this.aliveAtMs = performance.now();
    if (message.kind === "hello") this.#send({ kind: "start", start });
    else if (message.kind === "alive") events.alive(message.connections);
    else if (message.kind === "taken") events.taken(message.connection);
    else if (message.kind === "scrape") events.scrape();
    else if (message.kind === "drained") this.#onDrained();
    else if (message.kind === "failed") this.#cause = message.cause;
    else if (message.kind === "loading") this.#loadingFrom = message.place;
    else {
      this.#loadingFrom = null;
      this.#readyAtMs = performance.now();
      events.ready();
      this.#onReady();
    }
  }
}

function ignore(): void {}
