import { createLogUpdate } from "log-update";
import { countText } from "../../../bench/count-text.ts";
import type { Progress, ProgressNumbers } from "../../../bench/progress.ts";
import type { Host } from "../host.ts";
import { styled } from "../watch/text.ts";

/** Told between results; `pause` clears its line, so that something else can be written. */
export interface ShownProgress extends Progress {
  pause(): void;
}

const PLAIN_EVERY_MS = 5_000;
const BAR_WIDTH = 20;

/** One line that changes on a terminal; elsewhere a line a phase, and one every five seconds of it. Both to stderr. */
export function showProgress({ stderr, env }: Host): ShownProgress {
  return stderr.isTTY === true
    ? new TerminalProgress(stderr, (env.NO_COLOR ?? "") === "")
    : new PlainProgress(stderr);
}

class TerminalProgress implements ShownProgress {
  readonly #update: ReturnType<typeof createLogUpdate>;
  readonly #color: boolean;
  #head = "";

  constructor(output: NodeJS.WritableStream, color: boolean) {
    this.#update = createLogUpdate(output);
    this.#color = color;
  }

  phase(scenario: string, phase: string): void {
    this.#head = `${styled(scenario, "bold", this.#color)} ${phase}`;
    this.#update(this.#head);
  }

  numbers(numbers: ProgressNumbers): void {
    const done = Math.max(0, Math.min(1, numbers.done ?? 0));
    const full = Math.round(done * BAR_WIDTH);
    const bar = `${"█".repeat(full)}${styled("░".repeat(BAR_WIDTH - full), "dim", this.#color)}`;
    this.#update(`${this.#head}  ${bar}  ${wordsOf(numbers)}`);
  }

  pause(): void {
    this.#update.clear();
  }
}

class PlainProgress implements ShownProgress {
  readonly #output: NodeJS.WritableStream;
  #head = "";
  #toldMs = 0;

  constructor(output: NodeJS.WritableStream) {
    this.#output = output;
  }

  phase(scenario: string, phase: string): void {
    this.#head = `${scenario} ${phase}`;
    this.#output.write(`${this.#head}\n`);
    this.#toldMs = performance.now();
  }

  numbers(numbers: ProgressNumbers): void {
    if (performance.now() - this.#toldMs < PLAIN_EVERY_MS) return;
    this.#toldMs = performance.now();
    this.#output.write(`${this.#head}: ${wordsOf(numbers)}\n`);
  }

  pause(): void {}
}

function wordsOf({ connected, wanted, messagesPerSecond, p99Ms }: ProgressNumbers): string {
  const rate = messagesPerSecond === null ? "" : `  ${countText(messagesPerSecond)} messages/s`;
  const p99 = p99Ms === null ? "" : `  p99 ${p99Ms.toFixed(1)} ms`;
  return `${countText(connected)} of ${countText(wanted)} connected${rate}${p99}`;
}
