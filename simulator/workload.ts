import { eventOf, type Happening, type SimulatedEvent } from "./event.ts";
import { Heap } from "./heap.ts";
import { Job } from "./job.ts";
import { Line, NETWORKS, type Network } from "./line.ts";
import { demoNames, drawn, type Naming, planJob } from "./plan.ts";
import type { Profile } from "./profile.ts";
import { Random } from "./random.ts";

export interface WorkloadOptions {
  readonly profile: Profile;
  readonly seed: number;
  /** Who they are, one after the other; absent: 1 and on. */
  readonly firstUser?: number;
  /** Absent: as in the demo. */
  readonly names?: Naming;
  /**
   * Of the simulated clock: no job begins that would not end before it, troubles aside, but for the first of each user; where
   * the profile says how many events a second there are, nothing happens from then on. Absent: without end.
   */
  readonly durationMs?: number;
}

/** Jobs without photos take no time by themselves: without this, neither do any number of them. */
const LEAST_APART_MS = 1;

const AHEAD = 16;

/** A user's sequence of jobs, one after the other; a user has as many of them as the profile lets run at once. */
interface Lane {
  readonly user: number;
  readonly network: Network;
  readonly random: Random;
  nextJob: number;
  /** null: none is under way, or all of it is in `ahead`. */
  job: Job | null;
  /** What happens next in it. */
  readonly ahead: Happening[];
  /** How many of them were taken. */
  taken: number;
  /** null: nothing has happened yet. */
  head: Happening | null;
  /** Where the profile says how many events a second there are: when the next of them is due. */
  beatMs: number;
}

/**
 * The events of all users in the order of the simulated clock. The same options give the same events; what a user does
 * depends on seed and number of the user alone, whoever else there is.
 */
export class Workload {
  readonly #options: WorkloadOptions;
  readonly #lanes = new Heap<Lane>();
  #jobsBegun = 0;
  #jobsEnded = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    const { profile, seed, firstUser = 1 } = options;
    for (let user = firstUser; user < firstUser + profile.users; user += 1) {
      const random = new Random(`${seed}/${user}`);
      const arrivalMs = random.next() * profile.arriveWithin;
      const network = networkOf(profile, random);
      for (let lane = 1; lane <= profile.jobs.atOnce; lane += 1) {
        const own = new Random(`${seed}/${user}/lane-${lane}`);
        const laterMs = this.#isSteady
          ? ((lane - 1) * this.#everyMs) / profile.jobs.atOnce
          : drawn(profile.jobs.apart, own);
        const dueMs = arrivalMs + (lane === 1 ? 0 : laterMs);
        const rank = user * profile.jobs.atOnce + lane;
        const idle = { nextJob: lane, job: null, ahead: [], taken: 0, head: null, beatMs: dueMs };
        this.#lanes.add(dueMs, rank, { user, network, random: own, ...idle });
      }
    }
  }

  get jobsBegun(): number {
    return this.#jobsBegun;
  }

  get jobsEnded(): number {
    return this.#jobsEnded;
  }

  /** null: nothing is left. */
  next(): SimulatedEvent | null {
    for (;;) {
      const { firstMs: atMs, first: lane } = this.#lanes;
      if (lane === null) return null;
      const { head } = lane;
      const isOver = this.#isSteady && atMs >= this.#durationMs;
      if (!isOver && (head !== null || this.#beginJob(lane, atMs))) this.#advance(lane, atMs);
      else this.#lanes.take();
      if (!isOver && head !== null) return eventOf(head, atMs);
    }
  }

  /** False: neither this nor a later job of the lane begins. */
  #beginJob(lane: Lane, nowMs: number): boolean {
    const { profile, seed, names = demoNames } = this.#options;
    const durationMs = this.#durationMs;
    const { jobs, upload } = profile;
    const { user, network, nextJob: job } = lane;
    if (job > (jobs.perUser ?? Number.POSITIVE_INFINITY) || nowMs >= durationMs) return false;
    const plan = planJob(profile, { seed, user, job, network }, names);
    if (job > jobs.atOnce && !this.#isSteady && nowMs + plan.estimateMs > durationMs) return false;
    lane.nextJob += jobs.atOnce;
    this.#jobsBegun += 1;
    const outages = plan.outages.map(({ fromMs, toMs }) => ({ fromMs: nowMs + fromMs, toMs: nowMs + toMs }));
    const line = new Line(network, new Random(`${seed}/${user}/${job}/line`), nowMs, outages);
    lane.job = new Job(plan, nowMs, line, upload);
    return true;
  }

  /** The first of the lanes: to the job's next event, or to the time of the next job. */
  #advance(lane: Lane, nowMs: number): void {
    const following = followingOf(lane);
    if (following === null) {
      this.#jobsEnded += 1;
      lane.head = null;
      const apartMs = Math.max(LEAST_APART_MS, drawn(this.#options.profile.jobs.apart, lane.random));
      this.#lanes.postponeFirst(this.#isSteady ? lane.beatMs : nowMs + apartMs);
      return;
    }
    lane.head = following;
    this.#lanes.postponeFirst(this.#isSteady ? lane.beatMs : following.atMs);
    lane.beatMs += this.#everyMs;
  }

  get #durationMs(): number {
    return this.#options.durationMs ?? Number.POSITIVE_INFINITY;
  }

  get #isSteady(): boolean {
    return this.#options.profile.eventsPerSecond !== undefined;
  }

  /** From one event of a lane to the next, where the profile says how many there are. */
  get #everyMs(): number {
    const { eventsPerSecond = 1, jobs } = this.#options.profile;
    return (1_000 * jobs.atOnce) / eventsPerSecond;
  }
}

/**
 * Some at a time: of a thousand users everything has left the processor's caches before it is a user's turn again. null: the
 * job is over.
 */
function followingOf(lane: Lane): Happening | null {
  if (lane.taken === lane.ahead.length) {
    lane.taken = 0;
    lane.ahead.length = 0;
    for (let made = 0; lane.job !== null && made < AHEAD; made += 1) {
      const happening = lane.job.next();
      if (happening === null) lane.job = null;
      else lane.ahead.push(happening);
    }
  }
  const following = lane.ahead[lane.taken] ?? null;
  if (following !== null) lane.taken += 1;
  return following;
}

function networkOf({ networks }: Profile, random: Random): Network {
  const choices = NETWORKS.flatMap((network) => {
    const weight = networks[network];
    return weight === undefined ? [] : [{ network, weight }];
  });
  return random.weighted(choices).network;
}
