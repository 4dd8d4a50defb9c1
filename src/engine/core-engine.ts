import type { DomainEvent } from "../domain/events.ts";
import type { Rules } from "../domain/rules.ts";
import { HubError } from "../errors.ts";
import { Agenda } from "./agenda.ts";
import type { Clock } from "./clock.ts";
import type {
  Engine,
  LiveSource,
  OpenOptions,
  OutMessage,
  Page,
  PublishResult,
  ReadQuery,
  Receiver,
  Rejection,
  Sink,
  Subscription,
} from "./contract.ts";
import { Feed } from "./feed.ts";
import { JobWork, type Workplace } from "./job-work.ts";
import type { Lane, Told, Work } from "./lane.ts";
import { Lanes } from "./lanes.ts";
import { ownersOf } from "./owners.ts";
import { Reader } from "./reader.ts";
import { Router } from "./router.ts";
import type { Now } from "./shower.ts";
import { ShownCounts } from "./shown-counts.ts";
import type { Store, StoreStats } from "./store.ts";
import type { Turn, TurnOptions } from "./turn.ts";
import { Wake } from "./wake.ts";

interface Limits {
  readonly maxPhotosPerJob: number;
  readonly maxJobsPerUser: number;
  readonly maxOpenPhotos: number;
}

export interface CoreEngineOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly rules: Rules;
  readonly limits: Limits;
  /** Least time between two messages of a photo, of a job; 0: every change is shown. */
  readonly photoIntervalMs: number;
  readonly jobIntervalMs: number;
  /** How long after their end snapshots show jobs. */
  readonly recentMs: number;
}

export interface EngineStats extends StoreStats {
  /** Messages shown, and states that a newer one replaced before they were. */
  readonly shown: number;
  readonly shownCounts: ShownCounts;
  readonly conflated: number;
  /** Events that told of more bytes than there are. */
  readonly anomalies: number;
  /** Entries of the queues: states held back, jobs to be looked at. */
  readonly queued: number;
}

/** What could not be committed is tried again after this. */
const RETRY_MS = 1_000;

/**
 * The way of an event: whose -> its job's lane -> merge and show into a draft -> commit -> route. One timer serves
 * intervals, stalls, expiry and ends.
 */
export class CoreEngine implements Engine, LiveSource {
  readonly #options: CoreEngineOptions;
  readonly #store: Store;
  readonly #reader: Reader;
  readonly #router: Router;
  readonly #shown = new ShownCounts();
  readonly #agenda = new Agenda();
  readonly #lanes = new Lanes();
  readonly #wake: Wake;
  readonly #workplace: Workplace & { turnOptions: TurnOptions };
  #anomalies = 0;
  #closed = false;

  constructor(options: CoreEngineOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#reader = new Reader(this.#store, options.recentMs);
    this.#router = new Router(this.#store);
    this.#wake = new Wake(options.clock, () => this.#tick());
    const { rules, limits, photoIntervalMs, jobIntervalMs } = options;
    this.#workplace = {
      store: this.#store,
      turnOptions: { rules, ...limits, photoIntervalMs, jobIntervalMs },
      opening: 0,
      now: () => this.#now(),
      did: (lane, work, turn, isQuiet) => this.#did(lane, work, turn, isQuiet),
      refused: (work) => this.#refuse(work),
      failed: (lane, work, error) => this.#failed(lane, work, error),
      // Not at once: of a group others are to be told first what became of theirs.
      ended: (lane) => (lane.hasWork ? queueMicrotask(() => this.#goOn(lane)) : this.#goOn(lane)),
    };
    this.#store.listen({
      shown: (userId, messages) => this.#router.deliver(userId, messages),
      gap: (userId) => this.#router.resync(userId),
      due: (userId, jobId) => this.#look(userId, jobId),
    });
  }

  get stats(): EngineStats {
    return {
      ...this.#store.stats,
      shown: this.#shown.total,
      shownCounts: this.#shown,
      conflated: this.#agenda.conflated,
      anomalies: this.#anomalies,
      queued: this.#agenda.size,
    };
  }

  async publish(events: readonly DomainEvent[]): Promise<PublishResult> {
    if (this.#closed) throw new HubError("draining", undefined, 1);
    const asked = ownersOf(events, this.#store);
    const owners = asked instanceof Promise ? await asked : asked;
    const rejected: Rejection[] = [];
    const lanes: Lane[] = [];
    for (const [index, event] of events.entries()) {
      const owner = owners[index] ?? { code: "internal_error", message: "" };
      if (typeof owner !== "string") {
        rejected.push({ index, id: event.id, ...owner });
        continue;
      }
      const lane = this.#lanes.of(owner, event.jobId);
      if (lane.gathered === null) {
        lane.gathered = [{ index, event }];
        lanes.push(lane);
      } else lane.gathered.push({ index, event });
    }
    const unchangedAt: number[] = [];
    if (lanes.length > 0) await this.#tell(lanes, { unchangedAt, rejected });
    unchangedAt.sort((left, right) => left - right);
    rejected.sort((left, right) => left.index - right.index);
    const accepted = events.length - unchangedAt.length - rejected.length;
    return { accepted, unchanged: unchangedAt.length, unchangedAt, rejected };
  }

  open(userId: string, options: OpenOptions, sink: Sink): Subscription {
    const feed = new Feed(
      (query) => this.read(query),
      userId,
      options,
      sink,
      (closed) => this.#router.unwatch(userId, closed),
    );
    this.#router.watch(userId, feed);
    feed.start();
    return feed;
  }

  watch(userId: string, receiver: Receiver): void {
    this.#router.watch(userId, receiver);
  }

  unwatch(userId: string, receiver: Receiver): void {
    this.#router.unwatch(userId, receiver);
  }

  read(query: ReadQuery): Promise<Page> {
    return this.#reader.page(query, this.#now());
  }

  jobs(userId: string, jobId: string | null): Promise<readonly OutMessage[]> {
    return this.#reader.jobs(userId, jobId, this.#now());
  }

  /**
   * Forgets all state of the user; gives how many jobs that were. Whoever is connected gets a snapshot of what is left,
   * and so does whoever comes back with an id from before.
   */
  async forget(userId: string): Promise<number> {
    const jobs = await this.#store.dropUser(userId);
    for (const lane of this.#lanes.ofUser(userId)) {
      lane.releaseAll();
      this.#agenda.unschedule(lane);
      this.#lanes.retire(lane);
    }
    return jobs;
  }

  health(): { readonly ready: boolean; readonly reason: string | null } {
    return this.#closed ? { ready: false, reason: "closed" } : this.#store.health();
  }

  /** Shows what waits for its interval; from now on nothing is held back. */
  async showHeldBack(): Promise<void> {
    const { turnOptions } = this.#workplace;
    this.#workplace.turnOptions = { ...turnOptions, photoIntervalMs: 0, jobIntervalMs: 0 };
    for (const lane of this.#agenda.takeHeld(Number.POSITIVE_INFINITY)) this.#run(lane);
    await this.#settled();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake.cancel();
    await this.#settled();
    await this.#store.close();
  }

  /** Resolves when all lanes have answered, with what they said added; rejects with the first refusal. */
  #tell(
    lanes: readonly Lane[],
    { unchangedAt, rejected }: { readonly unchangedAt: number[]; readonly rejected: Rejection[] },
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      let left = lanes.length;
      const answer = (told: Told) => {
        // One by one: as arguments of one call they may be more than the stack has room for.
        for (const at of told.unchangedAt) unchangedAt.push(at);
        for (const rejection of told.rejected) rejected.push(rejection);
        left -= 1;
        if (left === 0) resolve();
      };
      for (const lane of lanes) {
        lane.tell({ placed: lane.gathered ?? [], resolve: answer, reject });
        lane.gathered = null;
      }
      for (const lane of lanes) this.#run(lane);
    });
  }

  #look(userId: string, jobId: string): void {
    const lane = this.#lanes.of(userId, jobId);
    lane.look();
    this.#run(lane);
  }

  #run(lane: Lane): void {
    if (lane.isBusy) return;
    lane.isBusy = true;
    this.#goOn(lane);
  }

  #goOn(lane: Lane): void {
    if (lane.hasWork) {
      new JobWork(this.#workplace, lane, lane.take()).begin();
      return;
    }
    lane.rest();
    this.#lanes.retire(lane);
    this.#arm();
  }

  /** Resolves when what is being worked on now is done. */
  async #settled(): Promise<void> {
    const idle = this.#lanes.busy().map((lane) => new Promise<void>((resolve) => lane.whenIdle(resolve)));
    await Promise.all(idle);
  }

  #did(lane: Lane, { tellings }: Work, turn: Turn, isQuiet: boolean): void {
    this.#shown.count(turn.messages, this.#options.clock.monotonicMs());
    this.#queue(lane, turn, isQuiet);
    for (const [index, { resolve }] of tellings.entries()) {
      resolve(turn.told[index] ?? { unchangedAt: [], rejected: [] });
    }
  }

  #failed(lane: Lane, { tellings, ripe, isLook }: Work, error: unknown): void {
    for (const { reject } of tellings) reject(error);
    if (this.#closed) return;
    const atMs = this.#options.clock.monotonicMs() + RETRY_MS;
    for (const photoId of ripe) this.#agenda.holdBack(lane, photoId, atMs);
    if (isLook) this.#agenda.schedule(lane, atMs);
  }

  /** What is to be done with the job later. */
  #queue(lane: Lane, turn: Turn, isQuiet: boolean): void {
    this.#anomalies += turn.anomalies;
    for (const { photoId, atMs } of turn.held) this.#agenda.holdBack(lane, photoId, atMs);
    if (turn.lookAtMs !== null) this.#agenda.schedule(lane, turn.lookAtMs);
    else if (isQuiet) this.#agenda.unschedule(lane);
  }

  /** The user has as many jobs as one may have, and none has ended. */
  #refuse(work: Work): void {
    const { maxJobsPerUser } = this.#options.limits;
    const message = `a user holds at most ${maxJobsPerUser} jobs that have not ended`;
    for (const { placed, resolve } of work.tellings) {
      const rejected = placed.map(
        ({ index, event }) => ({ index, id: event.id, code: "too_many_jobs", message }) as const,
      );
      resolve({ unchangedAt: [], rejected });
    }
  }

  #tick(): void {
    for (const lane of this.#agenda.due(this.#options.clock.monotonicMs())) this.#run(lane);
    this.#arm();
  }

  #arm(): void {
    if (!this.#closed) this.#wake.setBy(this.#agenda.nextAtMs);
  }

  #now(): Now {
    return { monotonicMs: this.#options.clock.monotonicMs(), unixMs: this.#options.clock.unixMs() };
  }
}
