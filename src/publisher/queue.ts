import type { Batch } from "./carrier.ts";
import { type Envelope, encodeEvent, mergeProgress, photoIdOf } from "./events.ts";

/** One event on its way; a newer progress may take its place until it is sent. */
export interface Slot {
  event: Envelope;
  /** The event as it goes over the wire. */
  json: string;
  /** waiting: the queue is full. queued: has a place. sent: was in a request, is never replaced any more. */
  state: "waiting" | "queued" | "sent";
  /** Rises from slot to slot. */
  readonly order: number;
  /** Milliseconds of the caller's monotonic clock: when the slot was made, and when its event was last replaced. */
  readonly madeAtMs: number;
  offeredAtMs: number;
  /** How often the hub rejected it with a code that may pass. */
  rejections: number;
  /** Settles with the event's fate; shared by all progresses that were merged into it. Never unhandled. */
  readonly done: Promise<void>;
  resolve(): void;
  reject(error: Error): void;
}

export interface QueueLimits {
  /** Places, from acceptance to settlement. As many more may wait for one. */
  readonly maxPending: number;
  readonly flushIntervalMs: number;
  readonly publishTimeoutMs: number;
}

export interface BatchLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

interface SlotBatch extends Batch {
  readonly slots: readonly Slot[];
}

interface Held {
  readonly slots: Slot[];
  dueMs: number;
}

/**
 * What is to be sent, in order, without any I/O: one slot a photo for progress that isn't sent yet, everything else
 * untouched. Events of a photo and of a job keep their order.
 *
 *     offer -> waiting (full) -> queued -> take -> settle
 *                                  ^         |-> putBack (sent again next, in the same order)
 *                                  |         '-> hold (its job waits a while) -.
 *                                  '-------------------------------------------'
 */
export class PublishQueue {
  readonly #limits: QueueLimits;
  readonly #waiting = new Set<Slot>();
  readonly #queued = new Set<Slot>();
  /** Sent before, to be sent again ahead of `#queued`. */
  readonly #again: Slot[] = [];
  readonly #held = new Map<string, Held>();
  /** By job and photo: the newest slot not sent yet. Only the newest may be replaced, which keeps the order. */
  readonly #newest = new Map<string, Map<string, Slot>>();
  #places = 0;
  #made = 0;
  superseded = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Slots with a place: queued, held or sent and not settled. */
  get pending(): number {
    return this.#places;
  }

  /** Slots with a place that were never sent. */
  get queued(): number {
    return this.#queued.size;
  }

  /** Slots that wait for a place. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Takes an event in. null: the places and the waiting line are both full.
   * Throws TypeError for what is no event (JavaScript callers), with nothing changed.
   */
  offer(event: Envelope, nowMs: number): Slot | null {
    const photoId = photoIdOf(event);
    const { jobId } = event.data;
    const before = photoId === null ? undefined : this.#newest.get(jobId)?.get(photoId);
    const merged = before === undefined ? null : mergeProgress(before.event, event);
    if (before !== undefined && merged !== null) {
      before.json = encodeEvent(merged);
      before.event = merged;
      before.offeredAtMs = nowMs;
      this.superseded += 1;
      return before;
    }
    if (this.#places + this.#waiting.size >= 2 * this.#limits.maxPending) return null;
    const slot = createSlot(event, ++this.#made, nowMs);
    if (photoId === null) this.#newest.delete(jobId);
    else this.#photosOf(jobId).set(photoId, slot);
    if (this.#places >= this.#limits.maxPending) this.#waiting.add(slot);
    else this.#admit(slot);
    return slot;
  }

  /** Milliseconds until `take` has something to give that is worth a request; 0: now, null: nothing is here. */
  readyInMs(nowMs: number, maxEvents: number): number | null {
    if (this.#again.length > 0 || this.#queued.size >= maxEvents) return 0;
    const oldest = first(this.#queued);
    let atMs =
      oldest === undefined ? Number.POSITIVE_INFINITY : oldest.madeAtMs + this.#limits.flushIntervalMs;
    for (const held of this.#held.values()) atMs = Math.min(atMs, held.dueMs);
    return atMs === Number.POSITIVE_INFINITY ? null : Math.max(0, atMs - nowMs);
  }

  /** The next batch in order, empty when all that is queued belongs to jobs that are held. */
  take(nowMs: number, limits: BatchLimits): SlotBatch {
    for (const [jobId, held] of this.#held) if (held.dueMs <= nowMs) this.#release(jobId);
    const slots: Slot[] = [];
    const parts: string[] = [];
    let bytes = 2;
    while (slots.length < limits.maxEvents) {
      const slot = this.#again[0] ?? first(this.#queued);
      if (slot === undefined) break;
      if (this.#joinsHeld(slot)) continue;
      bytes += Buffer.byteLength(slot.json) + 1;
      if (slots.length > 0 && bytes > limits.maxBytes) break;
      if (slot.state === "queued") this.#markSent(slot);
      else this.#again.shift();
      slots.push(slot);
      parts.push(slot.json);
    }
    return { slots, body: `[${parts.join(",")}]` };
  }

  /** Gives back slots that were taken, to be taken next. */
  putBack(slots: readonly Slot[]): void {
    this.#again.unshift(...slots);
  }

  /** Keeps a slot that was taken, and every later one of its job that names no owner, until `dueMs`. */
  hold(slot: Slot, dueMs: number): void {
    const { jobId } = slot.event.data;
    const held = this.#held.get(jobId);
    if (held === undefined) this.#held.set(jobId, { slots: [slot], dueMs });
    else {
      held.slots.push(slot);
      held.dueMs = Math.max(held.dueMs, dueMs);
    }
  }

  /** Frees the place of a slot that was taken. Its promise is the caller's to settle. */
  settle(): void {
    this.#places -= 1;
    const next = first(this.#waiting);
    if (next === undefined || this.#places >= this.#limits.maxPending) return;
    this.#waiting.delete(next);
    this.#admit(next);
  }

  /** When the first in the waiting line has waited long enough; null: nobody waits. */
  nextTimeoutMs(): number | null {
    const head = first(this.#waiting);
    return head === undefined ? null : head.madeAtMs + this.#limits.publishTimeoutMs;
  }

  /** Removes and gives those who have waited for a place for too long. */
  timeOut(nowMs: number): Slot[] {
    const late: Slot[] = [];
    for (const slot of this.#waiting) {
      if (slot.madeAtMs + this.#limits.publishTimeoutMs > nowMs) break;
      late.push(slot);
    }
    for (const slot of late) this.#forget(slot);
    return late;
  }

  /** Everything that is not in a request, oldest first. */
  unsent(): Slot[] {
    const held = [...this.#held.values()].flatMap((each) => each.slots);
    return [...this.#again, ...held, ...this.#queued, ...this.#waiting];
  }

  clear(): void {
    this.#again.length = 0;
    this.#held.clear();
    this.#queued.clear();
    this.#waiting.clear();
    this.#newest.clear();
    this.#places = 0;
  }

  #admit(slot: Slot): void {
    slot.state = "queued";
    this.#places += 1;
    this.#queued.add(slot);
  }

  /** The next slot is kept too, where its job is held. */
  #joinsHeld(slot: Slot): boolean {
    const { jobId, userId } = slot.event.data;
    const held = this.#held.get(jobId);
    if (held === undefined) return false;
    // It names the owner, which those held lack: the hub resolves owners over a whole batch.
    if (userId !== undefined) {
      this.#release(jobId);
      return true;
    }
    if (slot.state === "queued") this.#markSent(slot);
    else this.#again.shift();
    held.slots.push(slot);
    return true;
  }

  #release(jobId: string): void {
    const held = this.#held.get(jobId);
    if (held === undefined) return;
    this.#held.delete(jobId);
    // Of a batch that was put back, a part may have been held and the rest not have been taken yet.
    const isIts = ({ event }: Slot): boolean => event.data.jobId === jobId;
    const its = [...held.slots, ...this.#again.filter(isIts)].sort((left, right) => left.order - right.order);
    const others = this.#again.filter((slot) => !isIts(slot));
    this.#again.splice(0, this.#again.length, ...others, ...its);
  }

  #markSent(slot: Slot): void {
    this.#forget(slot);
    slot.state = "sent";
  }

  #forget(slot: Slot): void {
    this.#queued.delete(slot);
    this.#waiting.delete(slot);
    const photoId = photoIdOf(slot.event);
    const photos = this.#newest.get(slot.event.data.jobId);
    if (photoId === null || photos?.get(photoId) !== slot) return;
    photos.delete(photoId);
    if (photos.size === 0) this.#newest.delete(slot.event.data.jobId);
  }

  #photosOf(jobId: string): Map<string, Slot> {
    let photos = this.#newest.get(jobId);
    if (photos === undefined) {
      photos = new Map();
      this.#newest.set(jobId, photos);
    }
    return photos;
  }
}

function createSlot(event: Envelope, order: number, nowMs: number): Slot {
  let resolve = () => {};
  let reject: (error: Error) => void = () => {};
  const done = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // A caller that ignores the promise must not be ended by an unhandled rejection.
  done.catch(() => {});
  return {
    event,
    json: encodeEvent(event),
    state: "waiting",
    order,
    madeAtMs: nowMs,
    offeredAtMs: nowMs,
    rejections: 0,
    done,
    resolve,
    reject,
  };
}

function first<T>(set: ReadonlySet<T>): T | undefined {
  return set.values().next().value;
}
