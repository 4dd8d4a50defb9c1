import { Lane } from "./lane.ts";

/** The lanes of all jobs that have anything to do, now or later. */
export class Lanes {
  readonly #byUser = new Map<string, Map<string, Lane>>();

  of(userId: string, jobId: string): Lane {
    let lanes = this.#byUser.get(userId);
    if (lanes === undefined) {
      lanes = new Map();
      this.#byUser.set(userId, lanes);
    }
    const known = lanes.get(jobId);
    if (known !== undefined) return known;
    const lane = new Lane(userId, jobId);
    lanes.set(jobId, lane);
    return lane;
  }

  ofUser(userId: string): readonly Lane[] {
    return [...(this.#byUser.get(userId)?.values() ?? [])];
  }

  /** Those at whose work somebody is: looked for among all, since it is asked for at an end, and they change with every event. */
  busy(): readonly Lane[] {
    const busy: Lane[] = [];
    for (const lanes of this.#byUser.values()) {
      for (const lane of lanes.values()) if (lane.isBusy) busy.push(lane);
    }
    return busy;
  }

  /** Forgets the lane if it has nothing to do. */
  retire(lane: Lane): void {
    // Nearly always: who looks it up first does so with every event.
    if (!lane.isIdle) return;
    const { userId, jobId } = lane;
    const lanes = this.#byUser.get(userId);
    if (lanes?.get(jobId) !== lane) return;
    lanes.delete(jobId);
    if (lanes.size === 0) this.#byUser.delete(userId);
  }
}
