import { DeadlineQueue } from "./deadline-queue.ts";
import type { Lane } from "./lane.ts";

/** A photo's state, or (photoId null) the job's own, that waits for its interval. */
interface Held {
  readonly lane: Lane;
  readonly photoId: string | null;
}

/** Fewer stale looks than this are not worth a sweep. */
const SWEEP_FROM = 1_000;

/** What is to be done later, and when: states held back for their interval, and jobs to be looked at. */
export class Agenda {
  readonly #held = new DeadlineQueue<Held>();
  readonly #looks = new DeadlineQueue<Lane>();
  /** Entries of `#looks` that have nothing to say any more. */
  #staleLooks = 0;
  #conflated = 0;

  /** Entries, stale ones too. */
  get size(): number {
    return this.#held.size + this.#looks.size;
  }

  /** Times that a state was to be held back while an older one was. */
  get conflated(): number {
    return this.#conflated;
  }

  /** null: nothing waits. */
  get nextAtMs(): number | null {
    return earliest(this.#held.nextAtMs, this.#looks.nextAtMs);
  }

  holdBack(lane: Lane, photoId: string | null, atMs: number): void {
    if (!lane.hold(photoId)) {
      this.#conflated += 1;
      return;
    }
    this.#held.add(atMs, { lane, photoId });
  }

  /** Times mostly move later: the queued look then comes early, finds nothing due, and is queued anew. */
  schedule(lane: Lane, atMs: number): void {
    if (lane.lookAtMs !== null && lane.lookAtMs <= atMs) return;
    if (lane.lookAtMs !== null) this.#staleLooks += 1;
    lane.lookAtMs = atMs;
    this.#looks.add(atMs, lane);
    this.#sweep();
  }

  /** The job is not to be looked at any more. */
  unschedule(lane: Lane): void {
    if (lane.lookAtMs === null) return;
    lane.lookAtMs = null;
    this.#staleLooks += 1;
    this.#sweep();
  }

  /** Gives the lanes that hold something back which may be shown by then, having told them what. */
  takeHeld(untilMs: number): Set<Lane> {
    const lanes = new Set<Lane>();
    for (const { item } of this.#held.due(untilMs)) {
      if (!item.lane.release(item.photoId)) continue;
      item.lane.ripen(item.photoId);
      lanes.add(item.lane);
    }
    return lanes;
  }

  /** Gives all lanes that have something to do by then, having told them what. */
  due(untilMs: number): ReadonlySet<Lane> {
    const lanes = this.takeHeld(untilMs);
    for (const { item: lane, atMs } of this.#looks.due(untilMs)) {
      if (lane.lookAtMs !== atMs) {
        this.#staleLooks -= 1;
        continue;
      }
      lane.lookAtMs = null;
      lane.look();
      lanes.add(lane);
    }
    return lanes;
  }

  /** Entries that a nearer one replaced, or whose job is done, must not hold memory until their time comes. */
  #sweep(): void {
    if (this.#staleLooks < SWEEP_FROM || this.#staleLooks < this.#looks.size / 2) return;
    this.#looks.keep(({ item, atMs }) => item.lookAtMs === atMs);
    this.#staleLooks = 0;
  }
}

/** The earlier of two times; null: never. */
export function earliest(left: number | null, right: number | null): number | null {
  if (left === null || right === null) return left ?? right;
  return Math.min(left, right);
}
