import { Counter, Trend } from "k6/metrics";
import type { K6Plan, K6Transport } from "./plan.ts";
import { LAG, samplesOf } from "./thresholds.ts";

const US_PER_MS = 1_000;

const trends = {
  socketio: new Trend("socketio", true),
  websocket: new Trend("websocket", true),
  polling: new Trend("polling", true),
};
const samples = {
  socketio: new Counter(samplesOf("socketio")),
  websocket: new Counter(samplesOf("websocket")),
  polling: new Counter(samplesOf("polling")),
};
const lag = new Trend(LAG, true);
const lagSamples = new Counter(samplesOf(LAG));
const messages = new Counter("messages");
const closes = new Counter("closes");
const errors = new Counter("errors");
const synced = new Counter("synced");

/** What one connection reports. */
export interface Arrivals {
  /** A message, and when k6 received it. Those before `synced` are what the client missed: no samples. */
  message(message: unknown, atUnixMs: number): void;
  /** All that there was is here; counts once. */
  synced(): void;
  /** It could not connect, or got what it should not. */
  error(reason: string): void;
  /** The hub ended it. */
  closed(code: number): void;
}

/** `onSynced` is told once. */
export function createArrivals(transport: K6Transport, plan: K6Plan, onSynced: () => void): Arrivals {
  // A photo is also shown again without news, as when it stalls: only what its client hears for the first time counts.
  const newest = new Map<string, number>();
  let isSynced = false;
  return {
    message(message, atUnixMs) {
      messages.add(1);
      if (!isProgress(message)) return;
      const photo = `${message.jobId}/${message.photoId}`;
      const dueUs = message.bytesTransferred;
      if (dueUs <= (newest.get(photo) ?? -1)) return;
      newest.set(photo, dueUs);
      if (!isSynced || dueUs < plan.warmUpMs * US_PER_MS) return;
      trends[transport].add(atUnixMs - plan.originUnixMs - dueUs / US_PER_MS);
      samples[transport].add(1);
      lag.add(Math.max(0, Date.now() - atUnixMs));
      lagSamples.add(1);
    },
    synced() {
      if (isSynced) return;
      isSynced = true;
      synced.add(1);
      onSynced();
    },
    error(reason) {
      errors.add(1);
      console.warn(`${transport}: ${reason}`);
    },
    closed(code) {
      closes.add(1);
      console.warn(`${transport}: closed with ${code}`);
    },
  };
}

interface Progress {
  readonly jobId: string;
  readonly photoId: string;
  readonly bytesTransferred: number;
}

function isProgress(message: unknown): message is Progress {
  return (
    typeof message === "object" &&
    message !== null &&
    "type" in message &&
    message.type === "upload_progress" &&
    "jobId" in message &&
    "photoId" in message &&
    "bytesTransferred" in message &&
    typeof message.bytesTransferred === "number"
  );
}
