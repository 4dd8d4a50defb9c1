import type { ChildProcess } from "node:child_process";
import type { Logger } from "pino";
import { messageOf } from "../message-of.ts";
import type { Snapshot } from "../metrics/readings.ts";
import { Child } from "./child.ts";
import type { Handover } from "./handover.ts";
import type { Start } from "./messages.ts";
import { Restarts } from "./restarts.ts";

/** A child that gives no sign of life for so long hangs: it is killed, and replaced. */
const HUNG_AFTER_MS = 10_000;
/** Before its first sign of life; a machine may be busy with many starts at once. */
const START_TIMEOUT_MS = 30_000;
/** What ending takes beyond the time to drain. */
const EXIT_MARGIN_MS = 1_000;

export interface SlotOptions {
  /** `core`, `gateway 1`: for people. */
  readonly name: string;
  readonly fork: () => ChildProcess;
  /** Asked at each start: no two processes have the same tag. */
  readonly start: () => Start;
  readonly handover: Handover;
  readonly log: Logger;
  /** The primary's metrics, for a core that asks. */
  readonly metrics: () => Promise<Snapshot>;
  /** It died too often in a row. */
  readonly giveUp: (cause: string) => void;
}

/** The place of one child: there is always one in it, or soon again. */
export class Slot {
  readonly name: string;
  readonly #options: SlotOptions;
  readonly #restarts = new Restarts();
  /** The one that is kept; beside it, while it is replaced, the one that is to follow or the one that leaves. */
  #child: Child | null = null;
  readonly #all = new Set<Child>();
  #restartTimer: NodeJS.Timeout | null = null;
  #isClosing = false;
  #restartCount = 0;

  constructor(options: SlotOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Processes started in the place of one that died or hung. */
  get restarts(): number {
    return this.#restartCount;
  }

  get child(): Child | null {
    return this.#child;
  }

  /** The first start. Rejects with the cause when the child ends before it serves. */
  async start(): Promise<void> {
    const child = this.#launch();
    await child.ready;
    this.#child = child;
  }

  /**
   * Another in its place: the new one serves before the old one is asked to leave. Rejects when the new one ends before;
   * the old one then stays.
   */
  async replace(drainMs: number): Promise<void> {
    if (this.#isClosing) return;
    const next = this.#launch();
    await next.ready.catch((error: unknown) => {
      // What a stop ends on its way is no failure.
      if (!this.#isClosing) throw error;
    });
    if (this.#isClosing) return;
    const old = this.#child;
    this.#child = next;
    this.#clearRestart();
    if (old === null) return;
    this.#options.handover.retire(old);
    await this.#leave(old, drainMs);
  }

  /** Kills what hangs; `lateMs`: how long the primary itself could not look. */
  watch(nowMs: number, lateMs: number): void {
    for (const child of this.#all) {
      child.startedAtMs = Math.min(nowMs, child.startedAtMs + lateMs);
      if (child.aliveAtMs !== null) child.aliveAtMs = Math.min(nowMs, child.aliveAtMs + lateMs);
      const silentMs = nowMs - (child.aliveAtMs ?? child.startedAtMs);
      if (silentMs <= (child.aliveAtMs === null ? START_TIMEOUT_MS : HUNG_AFTER_MS)) continue;
      this.#options.log.error({ child: this.name, childPid: child.pid, silentMs }, "a process hangs: killed");
      child.killHung();
    }
  }

  /** Resolves when what is in it has drained and, as a gateway does, ended; it is not replaced any more. */
  async drain(drainMs: number): Promise<void> {
    this.close();
    await Promise.all([...this.#all].map((child) => this.#leave(child, drainMs)));
  }

  /** Nothing is started in it any more. */
  close(): void {
    this.#isClosing = true;
    this.#clearRestart();
  }

  /** Ends what is in it, the hard way where it takes too long. */
  async stop(): Promise<void> {
    this.close();
    const timer = setTimeout(() => this.kill(), EXIT_MARGIN_MS);
    for (const child of this.#all) child.stop();
    await Promise.all([...this.#all].map((child) => child.exited));
    clearTimeout(timer);
  }

  kill(): void {
    this.close();
    for (const child of this.#all) child.kill();
  }

  #clearRestart(): void {
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer);
    this.#restartTimer = null;
  }

  async #leave(child: Child, drainMs: number): Promise<void> {
    // It has no clients yet, and would not hear.
    if (!child.isReady) {
      child.kill();
      return child.exited;
    }
    const timer = setTimeout(() => child.kill(), drainMs + EXIT_MARGIN_MS);
    await child.drain(drainMs);
    clearTimeout(timer);
  }

  #launch(): Child {
    const { handover } = this.#options;
    const child: Child = new Child(this.#options.fork(), this.#options.start(), {
      ready: () => handover.add(child),
      alive: (connections) => handover.report(child, connections),
      taken: (connection) => handover.taken(child, connection),
      scrape: () => void this.#options.metrics().then((metrics) => child.tellMetrics(metrics)),
      exited: (cause) => {
        handover.gone(child);
        this.#all.delete(child);
        if (this.#child !== child || this.#isClosing) return;
        this.#child = null;
        this.#startAgain(child.servedMs, cause, child.pid);
      },
    });
    this.#all.add(child);
    return child;
  }

  /** `servedMs`: how long the last one is known to have served. `diedPid` null: it could not be started at all. */
  #startAgain(servedMs: number, cause: string, diedPid: number | null): void {
    const delayMs = this.#restarts.next(servedMs);
    if (delayMs === null) {
      this.#options.giveUp(`the ${this.name} process died again and again, at last with ${cause}`);
      return;
    }
    this.#restartCount += 1;
    this.#options.log.error(
      { child: this.name, childPid: diedPid, cause, delayMs },
      "a process died: another is started",
    );
    this.#restartTimer = setTimeout(() => {
      this.#restartTimer = null;
      try {
        this.#child = this.#launch();
      } catch (error) {
        // The system has no process to give.
        this.#startAgain(0, messageOf(error), null);
      }
    }, delayMs);
  }
}
