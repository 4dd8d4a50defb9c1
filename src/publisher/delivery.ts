import { fullJitterMs } from "../backoff.ts";
import { errorCatalogue, type HubError } from "../errors.ts";
import { createAlarm } from "./alarm.ts";
import type { EventRejection, Outcome } from "./carrier.ts";
import type { PublisherSettings } from "./options.ts";
import type { PublishQueue, Slot } from "./queue.ts";

export type Report = (error: HubError, willRetry: boolean, events: number) => void;

/** Empties a queue towards the hub, one request at a time; idle, and without a timer, while the queue is empty. */
export class Delivery {
  sent = 0;
  retries = 0;
  rejected = 0;
  readonly #queue: PublishQueue;
  readonly #settings: PublisherSettings;
  readonly #report: Report;
  readonly #closing = new AbortController();
  readonly #window = createAlarm();
  readonly #pause = createAlarm();
  #inFlight: readonly Slot[] = [];
  #running = false;
  #hurries = 0;
  /** Requests in a row that failed. */
  #failures = 0;
  /** Events a request may hold at present, and at most: lower than the setting once the hub has answered 413. */
  #batchNow: number;
  #batchMost: number;

  constructor(queue: PublishQueue, settings: PublisherSettings, report: Report) {
    this.#queue = queue;
    this.#settings = settings;
    this.#report = report;
    this.#batchNow = settings.maxBatch;
    this.#batchMost = settings.maxBatch;
  }

  /** Something was queued. */
  kick(): void {
    if (!this.#running) void this.#run();
    // The first changes until when to wait, a full batch ends the wait.
    else if (this.#queue.queued === 1 || this.#queue.queued >= this.#batchNow) this.#window.wake();
  }

  /** Until `stop` is called nothing waits for company. */
  hurry(): { stop(): void } {
    this.#hurries += 1;
    this.#window.wake();
    return {
      stop: () => {
        this.#hurries -= 1;
      },
    };
  }

  unsettled(): Slot[] {
    return [...this.#inFlight, ...this.#queue.unsent()];
  }

  /** Breaks off whatever is going on, for good. */
  abort(): void {
    this.#closing.abort();
    this.#window.wake();
    this.#pause.wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    this.#running = true;
    while (!signal.aborted) {
      const inMs = this.#queue.readyInMs(performance.now(), this.#batchNow);
      if (inMs === null) break;
      const hurried = this.#hurries > 0 && this.#queue.queued > 0;
      if (inMs > 0 && !hurried) await this.#window.sleep(inMs);
      else await this.#deliver(signal);
    }
    this.#running = false;
  }

  async #deliver(signal: AbortSignal): Promise<void> {
    const maxBytes = this.#settings.maxBatchBytes;
    const batch = this.#queue.take(performance.now(), { maxEvents: this.#batchNow, maxBytes });
    const { slots } = batch;
    if (slots.length === 0) return;
    this.#inFlight = slots;
    if (this.#failures > 0) this.retries += 1;
    const outcome = await this.#settings.carrier.send(batch, signal);
    // Whoever aborted has settled what was in flight.
    if (outcome === null || signal.aborted) return;
    this.#inFlight = [];
    if (outcome.kind === "failed") return this.#failed(slots, outcome);
    this.#failures = 0;
    if (outcome.kind === "answered") this.#answered(slots, outcome.rejected);
    else if (outcome.kind === "too_large" && slots.length > 1) this.#split(slots, outcome.byCount);
    else this.#giveUp(slots, outcome.error);
  }

  #answered(slots: readonly Slot[], rejected: readonly EventRejection[]): void {
    this.#batchNow = Math.min(this.#batchMost, this.#batchNow * 2);
    const errors = new Map(rejected.map(({ index, error }) => [index, error]));
    const nowMs = performance.now();
    slots.forEach((slot, index) => {
      const error = errors.get(index);
      if (error === undefined) {
        this.sent += 1;
        this.#queue.settle();
        slot.resolve();
      } else if (errorCatalogue[error.code].retryable && slot.rejections < this.#settings.maxRejections) {
        slot.rejections += 1;
        this.retries += 1;
        this.#report(error, true, 1);
        this.#queue.hold(slot, nowMs + this.#jitterMs(slot.rejections));
      } else this.#giveUp([slot], error);
    });
  }

  #split(slots: readonly Slot[], byCount: boolean): void {
    this.#batchNow = Math.ceil(slots.length / 2);
    // A limit of events stays; a body was too large only for these events.
    if (byCount) this.#batchMost = this.#batchNow;
    this.retries += 1;
    this.#queue.putBack(slots);
  }

  async #failed(
    slots: readonly Slot[],
    { error, notBeforeMs }: Extract<Outcome, { kind: "failed" }>,
  ): Promise<void> {
    const { giveUpAfterMs } = this.#settings;
    const nowMs = performance.now();
    const isLate = (slot: Slot) => nowMs - slot.offeredAtMs >= giveUpAfterMs;
    const left = slots.filter((slot) => !isLate(slot));
    this.#failures += 1;
    this.#queue.putBack(left);
    this.#giveUp(slots.filter(isLate), error);
    if (left.length > 0) this.#report(error, true, left.length);
    // A wait beyond the time to give up would only delay the rejection.
    await this.#pause.sleep(Math.min(notBeforeMs, giveUpAfterMs) + this.#jitterMs(this.#failures));
  }

  #giveUp(slots: readonly Slot[], error: HubError): void {
    if (slots.length === 0) return;
    this.rejected += slots.length;
    this.#report(error, false, slots.length);
    for (const slot of slots) {
      this.#queue.settle();
      slot.reject(error);
    }
  }

  #jitterMs(failures: number): number {
    return fullJitterMs(failures, this.#settings.backoff, Math.random());
  }
}
