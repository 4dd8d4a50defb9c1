import type { Job } from "../../domain/job.ts";
import type { Stamp } from "../../domain/photo-view.ts";
import { HubError } from "../../errors.ts";
import type { Redis } from "../../redis/redis.ts";
import { atMost, entriesAfter, Order, Orders } from "../order.ts";
import type {
  Change,
  Committer,
  Outcome,
  OwnedKind,
  Since,
  SinceQuery,
  Store,
  StoreListener,
  StoreStats,
} from "../store.ts";
import { type Cached, JobCache } from "./cache.ts";
import { Claims } from "./claims.ts";
import type { SharedClock } from "./clock.ts";
import { endedMs, jobArguments, type NumberOf, photoArguments } from "./codec.ts";
import { channelOf, jobKeysOf, keysOf, ownerKey } from "./keys.ts";
import { Live, publicationBody } from "./live.ts";
import { RedisOwners } from "./owners.ts";
import { Replicated } from "./replicated.ts";
import { commitReplyOf, list, type ReadReply, readReplyOf } from "./replies.ts";
import { COMMIT, FORGET, POSTPONE, READ, runScript, type Script } from "./scripts.ts";
import { WriteProbe } from "./writable.ts";

export interface RedisStoreOptions {
  /** Closed with the store. */
  readonly redis: Redis;
  readonly clock: SharedClock;
  /** How long an ended job is kept. */
  readonly retentionMs: number;
  /** How long a job that is not heard of any more may stay open. */
  readonly openForMs: number;
  readonly maxJobsPerUser: number;
  /** `sync`: a commit resolves when a replica has it. */
  readonly durability: "commit" | "sync";
  readonly maxCachedPhotos?: number;
  /** Milliseconds between looks for jobs of hubs that are gone, each at a quarter of all. */
  readonly claimEveryMs?: number;
  readonly onClose?: () => void;
  /** What went wrong that nobody waits for. */
  readonly onError?: (error: unknown) => void;
  /** Told when Redis begins to refuse writes, and (null) when it takes them again. */
  readonly onTrouble?: (refusal: HubError | null) => void;
}

const MAX_CACHED_PHOTOS = 200_000;
/** A script that gives more would keep Redis from others for longer. */
const PHOTOS_AT_ONCE = 2_000;

interface ReadOptions {
  readonly afterSeq: number;
  readonly jobId: string | null;
  /** Photos only of jobs that have not ended before. */
  readonly photosFromMs: number;
}

/**
 * State in a Redis that machines share. Each merges in its own memory and commits if nobody was faster; what any of them
 * commits is published to those whose users want it, this one among them.
 */
export class RedisStore implements Store {
  readonly #options: RedisStoreOptions;
  readonly #redis: Redis;
  readonly #cache: JobCache;
  readonly #orders = new Orders();
  readonly #owners: RedisOwners;
  readonly #live: Live;
  readonly #claims: Claims;
  readonly #replicated: Replicated;
  readonly #probe: WriteProbe;
  #listener: StoreListener = { shown: () => undefined, gap: () => undefined, due: () => undefined };
  #isClosed = false;

  constructor(options: RedisStoreOptions) {
    const { redis, clock, retentionMs, openForMs } = options;
    this.#options = options;
    this.#redis = redis;
    this.#cache = new JobCache(options.maxCachedPhotos ?? MAX_CACHED_PHOTOS);
    this.#owners = new RedisOwners(redis, clock, retentionMs + openForMs);
    this.#live = new Live({
      redis,
      clock,
      listener: () => this.#listener,
      failed: (error) => this.#failed(error),
    });
    const due = (userId: string, jobId: string) => void this.#lookAt(userId, jobId);
    this.#claims = new Claims(redis, clock, due, (error) => this.#failed(error), options.claimEveryMs);
    this.#replicated = new Replicated(redis);
    this.#probe = new WriteProbe(redis, (refusal) => options.onTrouble?.(refusal));
  }

  listen(listener: StoreListener): void {
    this.#listener = listener;
  }

  /** Of what is in this machine's memory. */
  get stats(): StoreStats {
    return this.#cache.stats;
  }

  /** None that would be limited: what is in memory here may have been ended elsewhere, and has a bound of its own. */
  get openPhotos(): number {
    return 0;
  }

  /** Publications that came from Redis. */
  get publications(): number {
    return this.#live.publications;
  }

  health(): { readonly ready: boolean; readonly reason: string | null } {
    if (this.#isClosed) return { ready: false, reason: "closed" };
    const isReached = this.#redis.isReady && this.#live.isWhole;
    if (!isReached) return { ready: false, reason: "Redis can't be reached" };
    const { refusal } = this.#probe;
    return { ready: refusal === null, reason: refusal?.message ?? null };
  }

  async load(userId: string, jobId: string): Promise<Job | null> {
    const cached = this.#cache.get(userId, jobId);
    if (cached?.isWhole && !this.#isPast(cached)) return cached.job;
    return this.#refresh(userId, jobId);
  }

  commit(change: Change, committer: Committer): void {
    this.#commit(change).then(
      (outcome) => committer.committed(outcome),
      (error: unknown) => committer.failed(error),
    );
  }

  async #commit(change: Change): Promise<Outcome> {
    const { draft, messages, deadlineMs, isDeadlineWhole } = change;
    const { userId, jobId } = draft;
    const channel = channelOf(userId, this.#redis.database);
    const numbers = new Map<Stamp, number>(messages.map(({ stamp }, index) => [stamp, -(index + 1)]));
    const numberOf: NumberOf = (stamp) => numbers.get(stamp) ?? stamp.seq;
    const photos: string[] = [];
    // Also those of which only the time of their last event is new.
    for (const photo of draft.photos.own()) photos.push(photo.photoId, ...photoArguments(photo, numberOf));
    // Redis would say the same, to each of many who try again and again.
    const refusal = this.#probe.refusalFor(channel);
    if (refusal !== null) throw refusal;
    const args = [
      jobId,
      String(draft.version),
      String(this.#options.maxJobsPerUser),
      channel,
      deadlineMs === null || !Number.isFinite(deadlineMs) ? "" : String(Math.ceil(deadlineMs)),
      isDeadlineWhole ? "whole" : "part",
      String(endedMs(draft) ?? ""),
      String(messages.length),
      publicationBody(messages),
      this.#cache.get(userId, jobId)?.epoch ?? "",
      ...jobArguments(draft, numberOf),
      ...photos,
    ];
    const keys = [...keysOf(userId).keys, ...jobKeysOf(userId, jobId)];
    const reply = await this.#run(userId, COMMIT, args, keys);
    const committed = commitReplyOf(reply);
    if (committed.outcome === "no_room") return "no_room";
    if (committed.outcome === "conflict") {
      const { job, epoch } = committed;
      const isLost = job === null || job.version < draft.version;
      if (isLost || !this.#cache.apply(userId, job, epoch)) this.#forgetJob(userId, jobId);
      return "conflict";
    }
    const { headSeq, gone } = committed;
    for (const [index, { stamp }] of messages.entries()) stamp.seq = headSeq + index + 1;
    this.#cache.absorb(draft, committed, messages.length);
    this.#release(userId, gone);
    this.#cache.trim();
    if (this.#options.durability === "sync") await this.#replicated.confirm(channel);
    return "committed";
  }

  async postpone({ userId, jobId, version }: Job, deadlineMs: number | null): Promise<void> {
    const deadline = deadlineMs === null ? "" : String(Math.ceil(deadlineMs));
    await this.#run(userId, POSTPONE, [jobId, String(version), deadline]);
  }

  watch(userId: string): void {
    this.#live.watch(userId);
  }

  unwatch(userId: string): void {
    this.#live.unwatch(userId);
  }

  async since(query: SinceQuery): Promise<Since> {
    await this.#live.settled(query.userId);
    try {
      return await this.#since(query);
    } catch (error) {
      this.#live.refused(query.userId);
      throw error;
    }
  }

  async #since({ userId, jobId, afterSeq, limit, past }: SinceQuery): Promise<Since> {
    const photosFromMs = past?.beforeMs ?? Number.NEGATIVE_INFINITY;
    const { reply, jobs } = await this.#read(userId, { afterSeq, jobId, photosFromMs });
    const { epoch, startSeq, headSeq, prunedSeq, isNextKnown } = reply;
    const orders = jobs.map(({ job }) => {
      const isPast = past !== null && job.ended !== null && job.ended.atMs < past.beforeMs;
      if (!isPast) return this.#orders.of(job);
      return past.keep === "job" ? Order.ofJobAlone(job) : Order.ofNothing(job);
    });
    const found = atMost(limit, entriesAfter(afterSeq, headSeq, orders));
    this.#cache.trim();
    return {
      epoch,
      startSeq,
      firstSeq: Math.max(startSeq, prunedSeq),
      headSeq,
      isNextKnown,
      ...found,
      job: jobId === null ? null : (jobs[0]?.job ?? null),
    };
  }

  async jobs(userId: string): Promise<{ readonly epoch: string; readonly jobs: readonly Job[] }> {
    const options = { afterSeq: -1, jobId: null, photosFromMs: Number.POSITIVE_INFINITY };
    const { reply, jobs } = await this.#read(userId, options);
    this.#cache.trim();
    const inOrder = jobs.toSorted((left, right) => left.bornSeq - right.bornSeq);
    return { epoch: reply.epoch, jobs: inOrder.map(({ job }) => job) };
  }

  ownerOf(kind: OwnedKind, id: string): Promise<string | null> {
    return this.#owners.get(kind, id);
  }

  bindOwner(kind: OwnedKind, id: string, userId: string): Promise<string> {
    return this.#owners.bind(kind, id, userId);
  }

  async releaseJob(userId: string, jobId: string): Promise<void> {
    if ((await this.#refresh(userId, jobId)) === null) await this.#owners.release("job", jobId, userId);
  }

  async dropUser(userId: string): Promise<number> {
    const { keys, owned } = keysOf(userId);
    const channel = channelOf(userId, this.#redis.database);
    const reply = await this.#run(userId, FORGET, [channel], [...keys, owned]);
    const [jobs, bound] = list(reply).map((part) => list(part).map(String));
    for (const { job } of this.#cache.of(userId)) this.#forgetJob(userId, job.jobId);
    const jobKeys = (jobs ?? []).map((jobId) => ownerKey("job", jobId));
    await this.#owners.releaseAll([...jobKeys, ...(bound ?? [])], userId);
    return jobs?.length ?? 0;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.onClose?.();
    this.#claims.close();
    this.#live.close();
    this.#replicated.close();
    this.#probe.close();
    this.#redis.close();
  }

  /** The job as it is now; null: there is none. */
  async #refresh(userId: string, jobId: string): Promise<Job | null> {
    const options = { afterSeq: 0, jobId, photosFromMs: Number.NEGATIVE_INFINITY };
    const { jobs } = await this.#read(userId, options);
    if (jobs.length === 0) this.#forgetJob(userId, jobId);
    return jobs[0]?.job ?? null;
  }

  /** Brings what is known of the jobs asked for up to one moment. */
  async #read(
    userId: string,
    { afterSeq, jobId, photosFromMs }: ReadOptions,
  ): Promise<{ readonly reply: ReadReply; readonly jobs: readonly Cached[] }> {
    // Else it would be trimmed of what it has read of a user who has more than there is room for.
    const unpin = this.#cache.pin(userId);
    try {
      return await this.#readAll(userId, { afterSeq, jobId, photosFromMs });
    } finally {
      unpin();
    }
  }

  async #readAll(
    userId: string,
    { afterSeq, jobId, photosFromMs }: ReadOptions,
  ): Promise<{ readonly reply: ReadReply; readonly jobs: readonly Cached[] }> {
    for (;;) {
      const known = jobId === null ? this.#cache.of(userId) : [this.#cache.get(userId, jobId)];
      const versions = known.flatMap((cached) =>
        cached === null || (jobId === null && cached.endedMs !== null && cached.newestSeq <= afterSeq)
          ? []
          : [
              cached.job.jobId,
              String(cached.isWhole ? cached.job.version : -cached.job.version),
              cached.epoch,
            ],
      );
      const args = [
        String(afterSeq),
        jobId ?? "",
        luaNumber(photosFromMs),
        String(PHOTOS_AT_ONCE),
        ...versions,
      ];
      const reply = readReplyOf(await this.#run(userId, READ, args));
      this.#release(userId, reply.gone);
      const isApplied = reply.jobs.map((job) => {
        const isDone = this.#cache.apply(userId, job, reply.epoch);
        if (!isDone) this.#forgetJob(userId, job.jobId);
        return isDone;
      });
      if (!reply.isWhole || isApplied.includes(false)) continue;
      const jobs = reply.jobs.flatMap((job) => this.#cache.get(userId, job.jobId) ?? []);
      return { reply, jobs };
    }
  }

  /** Nobody has seen to the job: what is known of it here may be what is not true any more. */
  async #lookAt(userId: string, jobId: string): Promise<void> {
    try {
      const job = await this.#refresh(userId, jobId);
      if (this.#isClosed) return;
      if (job !== null) this.#listener.due(userId, jobId);
      // Its keys have gone by themselves.
      else await this.#run(userId, POSTPONE, [jobId, "0", ""]);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** That Redis is away is told elsewhere. */
  #failed(error: unknown): void {
    const isAway = error instanceof HubError && error.code === "store_unavailable";
    if (!isAway && !this.#isClosed) this.#options.onError?.(error);
  }

  async #run(
    userId: string,
    script: Script,
    args: readonly string[],
    keys: readonly string[] = keysOf(userId).keys,
  ): Promise<unknown> {
    const { prefix } = keysOf(userId);
    const { clock, retentionMs } = this.#options;
    const nowMs = Math.floor(clock.monotonicMs());
    const common = [prefix, userId, String(nowMs), String(Math.floor(retentionMs))];
    return this.#redis.run(keys[0] ?? "", (client) => runScript(client, script, keys, [...common, ...args]));
  }

  /** Jobs that were forgotten, whoever made them so: their ids are free. */
  #release(userId: string, jobIds: readonly string[]): void {
    for (const jobId of jobIds) {
      this.#forgetJob(userId, jobId);
      // Else it goes by itself, later.
      this.#owners.release("job", jobId, userId).catch(() => undefined);
    }
  }

  #forgetJob(userId: string, jobId: string): void {
    const cached = this.#cache.get(userId, jobId);
    if (cached !== null) this.#orders.forget(cached.job);
    this.#cache.drop(userId, jobId);
  }

  #isPast({ endedMs: atMs }: Cached): boolean {
    return atMs !== null && atMs <= this.#options.clock.monotonicMs() - this.#options.retentionMs;
  }
}

function luaNumber(value: number): string {
  if (Number.isFinite(value)) return String(Math.floor(value));
  return value > 0 ? "1e300" : "-1e300";
}
