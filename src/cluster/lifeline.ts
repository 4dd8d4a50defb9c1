import cluster from "node:cluster";
import { rmSync } from "node:fs";
import { Socket } from "node:net";
import type { HandedOver } from "../listening.ts";
import { messageOf } from "../message-of.ts";
import type { Snapshot } from "../metrics/readings.ts";
import { createRedactor } from "../redact.ts";
import { type FromChild, isToChild, type Start } from "./messages.ts";

const ALIVE_EVERY_MS = 1_000;
const FAIL_WITHIN_MS = 1_000;
const redact = createRedactor();

/** What ties a child to its primary: it tells that it lives, takes what it is given, and ends when the primary is gone. */
export interface Lifeline extends HandedOver {
  /** State is being read; what kills the process meanwhile may lie there. */
  loading(place: string): void;
  ready(): void;
  onDrain(drain: (timeoutMs: number) => void): void;
  drained(): void;
  onStop(stop: () => void): void;
  /** Asks for the primary's metrics, in place of who asked before. */
  scrape(take: (metrics: Snapshot) => void): void;
  /** Ends the process at once, and says why. */
  fail(error: unknown): void;
}

/** Call before anything that takes long. Resolves with what the primary wants started. */
export function openLifeline(): { readonly lifeline: Lifeline; readonly started: Promise<Start> } {
  let take: ((socket: Socket) => void) | null = null;
  let count = (): number => 0;
  // Told before it serves: drains as soon as it does.
  let earlyDrainMs: number | null = null;
  let onDrain = (timeoutMs: number): void => {
    earlyDrainMs = timeoutMs;
  };
  let onStop: () => void = () => process.exit();
  let onMetrics: (metrics: Snapshot) => void = () => {};
  let resolveStart: (start: Start) => void = () => {};
  let folder: string | null = null;
  const started = new Promise<Start>((resolve) => {
    resolveStart = resolve;
  });

  const tell = (message: FromChild, then: () => void = () => {}): void => {
    if (process.connected) process.send?.(message, undefined, {}, then);
    else then();
  };
  const fail = (error: unknown): void => {
    const cause = messageOf(error);
    tell({ kind: "failed", cause }, () => process.exit(1));
    // A primary that does not read must not keep a broken process alive.
    setTimeout(() => process.exit(1), FAIL_WITHIN_MS);
  };

  // A terminal sends its signals to all processes of a job; what is to be done then, the primary says.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  // A reader of the log that went away must not end the process.
  for (const output of [process.stdout, process.stderr]) output.on("error", () => {});
  process.on("uncaughtException", (error) => {
    process.stderr.write(`${redact(error.stack ?? String(error))}\n`);
    fail(error);
  });
  // In a worker node itself ends the process, after its own event.
  (cluster.worker ?? process).once("disconnect", () => {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
    // Not by `exit`, in which LMDB would wait for ever for what it is just writing.
    process.kill(process.pid, "SIGKILL");
  });
  process.on("message", (message: unknown, handle: unknown) => {
    if (!isToChild(message)) return;
    if (message.kind === "start") {
      folder = message.start.folder;
      resolveStart(message.start);
    } else if (message.kind === "drain") onDrain(message.timeoutMs);
    else if (message.kind === "stop") onStop();
    else if (message.kind === "metrics") onMetrics(message.metrics);
    // The client may be gone already: there is no handle then.
    else {
      tell({ kind: "taken", connection: message.connection });
      if (handle instanceof Socket && take !== null) take(handle);
    }
  });
  const alive = (): void => tell({ kind: "alive", connections: count() });
  tell({ kind: "hello" });
  setInterval(alive, ALIVE_EVERY_MS).unref();

  return {
    started,
    lifeline: {
      serve(taker, counter) {
        take = taker;
        count = counter;
      },
      loading: (place) => tell({ kind: "loading", place }),
      ready: () => tell({ kind: "ready" }),
      onDrain: (drain) => {
        onDrain = drain;
        if (earlyDrainMs !== null) drain(earlyDrainMs);
      },
      drained: () => tell({ kind: "drained" }),
      onStop: (stop) => {
        onStop = stop;
      },
      scrape: (taker) => {
        onMetrics = taker;
        tell({ kind: "scrape" });
      },
      fail,
    },
  };
}
