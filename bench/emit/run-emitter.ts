import { decodeFromCompressedBase64, type Histogram } from "hdr-histogram-js";
import { type Child, startChild } from "../children.ts";
import type { EmitterCounts, EmitterOptions } from "./emitter.ts";
import type { FromEmitter, ToEmitter } from "./messages.ts";

const NOTHING_SENT: EmitterCounts = {
  sent: 0,
  sentInWindow: 0,
  dueInWindow: 0,
  acknowledged: 0,
  refused: 0,
  retries: 0,
  isDone: false,
  lag: null,
  firstRefusal: null,
};

/** The emitter, at work in its own process. */
export class RunningEmitter {
  readonly #child: Child<ToEmitter, FromEmitter>;
  #counts = NOTHING_SENT;
  /** Resolves when every event was sent, and answered. */
  readonly done: Promise<EmitterCounts>;

  constructor(options: EmitterOptions) {
    this.#child = startChild(new URL("./emitter-process", import.meta.url));
    this.#child.onReport(({ counts }) => {
      this.#counts = counts;
    });
    const isDone = (report: FromEmitter): report is FromEmitter => report.counts.isDone;
    this.done = this.#child.next(isDone).then(({ counts }) => counts);
    // Who stops it does not wait for it.
    this.done.catch(() => undefined);
    this.#child.send({ type: "begin", ...options });
  }

  get pid(): number {
    return this.#child.pid;
  }

  counts(): EmitterCounts {
    return this.#counts;
  }

  stop(): Promise<void> {
    return this.#child.end({ type: "stop" });
  }
}

/** In microseconds; null before the end. */
export function lagOf({ lag }: EmitterCounts): Histogram | null {
  return lag === null ? null : decodeFromCompressedBase64(lag);
}
