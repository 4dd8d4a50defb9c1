import { jobEvents, type SimulatedEvent } from "./job.ts";
import { type Naming, planJob } from "./plan.ts";
import { Random } from "./random.ts";

export interface WorkloadOptions {
  readonly seed: number;
  readonly users: number;
  /** Who they are, one after the other; absent: 1 and on. */
  readonly firstUser?: number;
  /** Absent: as in the demo. */
  readonly names?: Naming;
  /** All users begin within so long, whoever else there is; absent: the more users, the longer it takes. */
  readonly spreadMs?: number;
  /** Infinity: without end. */
  readonly jobsPerUser: number;
  readonly photosPerJob: number;
  /** Photos of a job that upload at the same time. */
  readonly parallelUploads: number;
  /** Jobs of a user that run at the same time. */
  readonly parallelJobs: number;
  /** Asked before a job begins; `false`: neither this nor a later job of the same lane begins. */
  readonly admit: (eventCount: number) => boolean;
}

/** A user's sequence of jobs, one after the other; a user has `parallelJobs` of them. */
interface Lane {
  readonly user: number;
  readonly random: Random;
  nextJob: number;
  events: Iterator<SimulatedEvent, void> | null;
  /** null: no event is ready yet. */
  head: SimulatedEvent | null;
  dueMs: number;
}

const ARRIVAL_MS = 400;
const THINK_MS = 1_500;

/**
 * The events of all users in the order of the simulated clock. The same options give the same events; what a job
 * contains depends on seed, user and number of the job alone.
 */
export class Workload {
  readonly #options: WorkloadOptions;
  /** A binary heap, the earliest first. */
  readonly #lanes: Lane[] = [];
  #pending = 0;
  #jobsBegun = 0;
  #jobsEnded = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    const { firstUser = 1, users, spreadMs } = options;
    for (let user = firstUser; user < firstUser + users; user += 1) {
      for (let lane = 1; lane <= options.parallelJobs; lane += 1) {
        const random = new Random(`${options.seed}/${user}/lane-${lane}`);
        const arrivalMs = random.next() * (spreadMs ?? (user - 1) * ARRIVAL_MS * 2);
        const dueMs = arrivalMs + (lane - 1) * THINK_MS;
        this.#push({ user, random, nextJob: lane, events: null, head: null, dueMs });
      }
    }
  }

  /** Events left in jobs that have begun. */
  get pending(): number {
    return this.#pending;
  }

  get jobsBegun(): number {
    return this.#jobsBegun;
  }

  get jobsEnded(): number {
    return this.#jobsEnded;
  }

  /** null: nothing is left. */
  next(): SimulatedEvent | null {
    for (let lane = this.#pop(); lane !== null; lane = this.#pop()) {
      const event = lane.head;
      if (event === null) {
        if (this.#beginJob(lane)) this.#push(lane);
        continue;
      }
      this.#pending -= 1;
      this.#advance(lane, event.atMs);
      this.#push(lane);
      return event;
    }
    return null;
  }

  #beginJob(lane: Lane): boolean {
    const { seed, jobsPerUser, photosPerJob, parallelUploads, parallelJobs, admit, names } = this.#options;
    if (lane.nextJob > jobsPerUser) return false;
    const plan = planJob(seed, lane.user, lane.nextJob, photosPerJob, names);
    if (!admit(plan.eventCount)) return false;
    lane.nextJob += parallelJobs;
    this.#pending += plan.eventCount;
    this.#jobsBegun += 1;
    lane.events = jobEvents(plan, lane.dueMs, parallelUploads);
    this.#advance(lane, lane.dueMs);
    return true;
  }

  #advance(lane: Lane, nowMs: number): void {
    const following = lane.events?.next();
    if (following === undefined || following.done === true) {
      this.#jobsEnded += 1;
      lane.events = null;
      lane.head = null;
      lane.dueMs = nowMs + lane.random.next() * 2 * THINK_MS;
      return;
    }
    lane.head = following.value;
    lane.dueMs = following.value.atMs;
  }

  #push(lane: Lane): void {
    const heap = this.#lanes;
    let index = heap.push(lane) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.dueMs <= lane.dueMs) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = lane;
  }

  #pop(): Lane | null {
    const heap = this.#lanes;
    const first = heap[0];
    const moved = heap.pop();
    if (first === undefined || moved === undefined) return null;
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      const [left, right] = [heap[2 * index + 1], heap[2 * index + 2]];
      const goRight = right !== undefined && left !== undefined && right.dueMs < left.dueMs;
      const child = goRight ? right : left;
      if (child === undefined || child.dueMs >= moved.dueMs) break;
      heap[index] = child;
      index = 2 * index + (goRight ? 2 : 1);
    }
    heap[index] = moved;
    return first;
  }
}
