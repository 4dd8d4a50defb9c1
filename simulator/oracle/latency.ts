import { build, type Histogram } from "hdr-histogram-js";
import { keepNewest } from "../../src/engine/keep-newest.ts";
import type { Shown } from "./client-record.ts";
import type { SentEvent } from "./oracle.ts";
import { endingOf } from "./truth.ts";

/** Enough for what is on its way. */
const MAX_PENDING = 100_000;

/** From the sending of an event to its being shown to a client that is connected, in whole milliseconds. */
export class Latency {
  readonly progress: Histogram = build();
  readonly endings: Histogram = build();
  readonly #sentAtMs = new Map<string, number>();

  sent({ type, data }: SentEvent): void {
    const { jobId, photoId, attempt = 1, bytesTransferred } = data;
    const what = endingOf(type) ?? bytesTransferred;
    if (photoId === undefined || what === undefined) return;
    const key = keyOf(jobId, photoId, attempt, what);
    // Sent again it was on its way already.
    if (this.#sentAtMs.has(key)) return;
    this.#sentAtMs.set(key, performance.now());
    if (this.#sentAtMs.size > MAX_PENDING) keepNewest(this.#sentAtMs, MAX_PENDING);
  }

  shown({ type, jobId, photoId, attempt = 1, status, bytesTransferred = 0, stalled }: Shown): void {
    if (photoId === undefined || type === "upload_started" || stalled === true) return;
    const isEnding = type !== "upload_progress";
    const sentAtMs = this.#sentAtMs.get(keyOf(jobId, photoId, attempt, isEnding ? status : bytesTransferred));
    if (sentAtMs === undefined) return;
    const histogram = isEnding ? this.endings : this.progress;
    histogram.recordValue(Math.max(1, Math.round(performance.now() - sentAtMs)));
  }
}

function keyOf(jobId: string, photoId: string, attempt: number, what: string | number): string {
  return `${jobId}/${photoId}/${attempt}/${what}`;
}
