import type { Rules } from "../src/domain/rules.ts";
import type {
  Engine,
  OpenOptions,
  OutMessage,
  Sink,
  Subscription,
  SyncMode,
} from "../src/engine/contract.ts";
import { CoreEngine, type CoreEngineOptions } from "../src/engine/core-engine.ts";
import type { Disk } from "../src/engine/resident/disk.ts";
import { ResidentStore } from "../src/engine/resident/store.ts";
import { ManualClock } from "./manual-clock.ts";

export { settle } from "./settle.ts";

/** A message as a client reads it. */
export interface Message {
  readonly type: string;
  readonly jobId: string;
  readonly photoId?: string;
  readonly progress: number | null;
  readonly status: string;
  readonly timestamp: string;
  readonly id: string;
  readonly bytesTransferred: number;
  readonly totalBytes: number | null;
  readonly attempt?: number;
  readonly fileName?: string;
  readonly stalled?: boolean;
  readonly error?: { readonly code: string; readonly message: string };
  readonly photos?: Record<"total" | "completed" | "failed" | "cancelled" | "active", number>;
  readonly totalsVersion?: number;
  readonly bytesPerSecond?: number | null;
  readonly etaSeconds?: number | null;
  readonly estimated?: boolean;
  readonly title?: string;
}

export const MINUTE_MS = 60_000;

export const RULES: Rules = {
  stallAfterMs: 10_000,
  expireAfterMs: 15 * MINUTE_MS,
  retryGraceMs: 30_000,
  jobIdleMs: 30_000,
};

export type EngineOptions = Partial<CoreEngineOptions> & {
  readonly retentionMs?: number;
  readonly disk?: Disk;
  readonly clock?: ManualClock;
};

export function createEngine({ retentionMs = 24 * 60 * MINUTE_MS, disk, ...options }: EngineOptions = {}): {
  engine: CoreEngine;
  store: ResidentStore;
  clock: ManualClock;
} {
  const clock = options.clock ?? new ManualClock();
  const maxJobsPerUser = options.limits?.maxJobsPerUser ?? 1000;
  const startMs = clock.unixMs();
  const store = new ResidentStore({ clock, retentionMs, maxJobsPerUser, startMs, disk: disk ?? null });
  const engine = new CoreEngine({
    clock,
    store,
    rules: RULES,
    limits: { maxPhotosPerJob: 10_000, maxJobsPerUser: 1000, maxOpenPhotos: 1_000_000 },
    photoIntervalMs: 50,
    jobIntervalMs: 80,
    recentMs: 10 * MINUTE_MS,
    ...options,
  });
  return { engine, store, clock };
}

/** A client that keeps all it is sent; `capacity` is how many messages it takes before it asks to be held. */
export class Reader implements Sink {
  readonly sent: OutMessage[] = [];
  readonly syncs: { mode: SyncMode; id: string; isJobKnown: boolean; after: number }[] = [];
  readonly errors: unknown[] = [];
  /** Characters of JSON in each call of `send`. */
  readonly groupSizes: number[] = [];
  endings = 0;
  capacity = Number.POSITIVE_INFINITY;
  readonly #subscription: Subscription;

  constructor(engine: Engine, userId: string, options: Partial<OpenOptions> = {}, capacity?: number) {
    if (capacity !== undefined) this.capacity = capacity;
    this.#subscription = engine.open(userId, { jobId: null, lastEventId: null, ...options }, this);
  }

  send(messages: readonly OutMessage[]): boolean {
    this.sent.push(...messages);
    this.groupSizes.push(messages.reduce((size, { json }) => size + json.length, 0));
    this.capacity -= messages.length;
    return this.capacity > 0;
  }

  synced(mode: SyncMode, id: string, isJobKnown: boolean): void {
    this.syncs.push({ mode, id, isJobKnown, after: this.sent.length });
  }

  jobEnded(): void {
    this.endings += 1;
  }

  failed(error: unknown): void {
    this.errors.push(error);
  }

  resume(capacity = Number.POSITIVE_INFINITY): void {
    this.capacity = capacity;
    this.#subscription.resume();
  }

  close(): void {
    this.#subscription.close();
  }

  get messages(): Message[] {
    return this.sent.map(({ json }) => JSON.parse(json) as Message);
  }

  get lastId(): string | null {
    return this.sent.at(-1)?.id ?? this.syncs.at(-1)?.id ?? null;
  }

  /** What a person would see: the newest message of each photo and job, without what only names the message. */
  get view(): Record<string, unknown> {
    return viewOf(this.messages);
  }
}

export function viewOf(messages: readonly Message[]): Record<string, unknown> {
  const view: Record<string, unknown> = {};
  for (const {
    id: _id,
    timestamp: _timestamp,
    bytesPerSecond: _rate,
    etaSeconds: _eta,
    ...rest
  } of messages) {
    if (rest.type === "upload_started") {
      // A name heard late is in the message of whoever comes later.
      view[`${rest.jobId}/${rest.photoId}/started`] = { attempt: rest.attempt };
    }
    view[`${rest.jobId}/${rest.photoId ?? ""}`] = { ...rest, type: undefined, fileName: undefined };
  }
  return view;
}
