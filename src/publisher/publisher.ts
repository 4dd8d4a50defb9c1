import { HubError } from "../errors.ts";
import { createAlarm } from "./alarm.ts";
import { Delivery, type Report } from "./delivery.ts";
import { envelopeOf, type PublishEvent } from "./events.ts";
import { type PublisherOptions, settingsOf } from "./options.ts";
import { PublishQueue, type Slot } from "./queue.ts";

export interface PublisherStats {
  /** Accepted and not settled. */
  readonly pending: number;
  /** Waiting in `publish()` for a place. */
  readonly waiting: number;
  /** Acknowledged by the hub, or by Redis. */
  readonly sent: number;
  /** Progresses that a newer one of the same photo replaced before they were sent. */
  readonly superseded: number;
  /** Requests sent again after one that failed, and events sent again after a rejection that may pass. */
  readonly retries: number;
  /** Rejected by the hub, given up, or turned away because the publisher was full or closed. */
  readonly rejected: number;
}

export interface Publisher {
  /**
   * Sends an event, batched with others. Resolves when the hub has acknowledged it, or a newer progress of the same
   * photo that took its place; with `stream`, when it is in the stream, where the hub may still find it unacceptable.
   * Events of one photo and of one job are sent in the order of the calls.
   *
   * Rejects with a HubError: the hub's code for an event it rejects (`owner_unknown` after a few tries),
   * `overloaded` when the publisher stayed full for `publishTimeoutMs`, `not_delivered` when it was given up or the
   * publisher was closed, else the code of the answer given last. The promise may be ignored: it never becomes an
   * unhandled rejection by itself. A promise derived from it can, so `await` it in a `try`, or `.catch()` last.
   */
  publish(event: PublishEvent): Promise<void>;
  /** Sends without waiting for company. Resolves when all that was published before is settled, and never rejects. */
  flush(): Promise<void>;
  /** Flushes for at most `timeoutMs` (default 5,000), then rejects what is left with `not_delivered`. Never rejects. */
  close(timeoutMs?: number): Promise<void>;
  stats(): PublisherStats;
}

const CLOSE_TIMEOUT_MS = 5_000;

/**
 * A backend's way to tell the hub, over HTTP or through a Redis Stream. One request at a time, over a connection kept
 * alive; memory is bounded by `maxPending`. The process stays alive while events are pending, and not because of an idle publisher.
 * Throws RangeError for a limit below its least, TypeError for a URL that is none.
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const settings = settingsOf(options);
  const report: Report = (error, willRetry, events) => {
    try {
      options.onError?.(error, { willRetry, events });
    } catch (thrown) {
      process.emitWarning(`onError of a publisher threw: ${String(thrown)}`);
    }
  };
  const queue = new PublishQueue(settings);
  const delivery = new Delivery(queue, settings, report);
  let timer: NodeJS.Timeout | null = null;
  let closed: Promise<void> | null = null;

  const turnAway = (error: HubError): Promise<void> => {
    delivery.rejected += 1;
    report(error, false, 1);
    const refusal = Promise.reject(error);
    // As for a slot: a caller that ignores it must not be ended by it.
    refusal.catch(() => {});
    return refusal;
  };

  const rejectAll = (slots: readonly Slot[], error: HubError) => {
    if (slots.length === 0) return;
    delivery.rejected += slots.length;
    report(error, false, slots.length);
    for (const slot of slots) slot.reject(error);
  };

  const full = (): HubError =>
    new HubError("overloaded", `The publisher is full: ${settings.maxPending} events are pending`);

  const watchLine = () => {
    const atMs = queue.nextTimeoutMs();
    if (timer !== null || atMs === null) return;
    timer = setTimeout(
      () => {
        timer = null;
        rejectAll(queue.timeOut(performance.now()), full());
        watchLine();
      },
      // Rounded up: a timer that fires early would find nobody late, and spin.
      Math.max(1, Math.ceil(atMs - performance.now())),
    );
  };

  const flush = async () => {
    const haste = delivery.hurry();
    await Promise.allSettled(delivery.unsettled().map((slot) => slot.done));
    haste.stop();
  };

  const shut = async (timeoutMs: number) => {
    const limit = createAlarm();
    await Promise.race([flush(), limit.sleep(timeoutMs)]);
    limit.wake();
    delivery.abort();
    if (timer !== null) clearTimeout(timer);
    const left = delivery.unsettled();
    queue.clear();
    rejectAll(left, new HubError("not_delivered", "The publisher was closed before the hub had the event"));
  };

  return {
    publish(event) {
      if (closed !== null) return turnAway(new HubError("not_delivered", "The publisher is closed"));
      const slot = offered(queue, event, settings.source);
      if (slot === null) return turnAway(full());
      if (slot instanceof HubError) return turnAway(slot);
      watchLine();
      delivery.kick();
      return slot.done;
    },
    flush,
    close(timeoutMs = CLOSE_TIMEOUT_MS) {
      closed ??= shut(timeoutMs);
      return closed;
    },
    stats: () => ({
      pending: queue.pending,
      waiting: queue.waiting,
      sent: delivery.sent,
      superseded: queue.superseded,
      retries: delivery.retries,
      rejected: delivery.rejected,
    }),
  };
}

function offered(queue: PublishQueue, event: PublishEvent, source: string): Slot | HubError | null {
  try {
    return queue.offer(envelopeOf(event, source), performance.now());
  } catch (error) {
    return new HubError("invalid_field", `The event can't be encoded: ${String(error)}`);
  }
}
