import {
  type ClientKind,
  ClientRecord,
  isHubMade,
  JOB_ENDED,
  photoStanding,
  type Shown,
} from "./client-record.ts";
import { FAULTS, type Fault, Findings } from "./findings.ts";
import { prematureIn, untrueIn } from "./judge.ts";
import { Latency } from "./latency.ts";
import { endingOf, Truth } from "./truth.ts";
import { until } from "./until.ts";

/** A CloudEvent as the producer sends it. */
export interface SentEvent {
  readonly id: string;
  readonly type: string;
  readonly data: {
    readonly jobId: string;
    readonly userId: string;
    readonly photoId?: string;
    readonly attempt?: number;
    readonly photoCount?: number;
    readonly bytesTransferred?: number;
    readonly totalBytes?: number;
  };
}

export interface OracleOptions {
  /**
   * False while state is in the core's memory alone: what was acknowledged by a core that was killed may have died with
   * it, also where one gateway's clients were shown it already, since batches leave for each gateway by themselves. Owed
   * then are the endings acknowledged by the core that lives at the end. An id of another epoch begins a new story, in
   * which an event that was sent again, since its answer never came, is shown again. True once a store keeps state: then
   * every acknowledged ending is owed.
   */
  readonly stateSurvivesCore: boolean;
  /**
   * True: another epoch begins with a snapshot, which tells again what was told, nothing of it less; an id is of one thing
   * for ever. Absent: numbers go on rising.
   */
  readonly epochsRetell?: boolean;
  /** The hub's setting `expireAfter`, in ms; absent: time-outs are not judged by when they come. */
  readonly expireMs?: number;
}

export interface Verdict extends Readonly<Record<Fault | "lost", number>> {
  readonly examples: readonly string[];
}

export const CLEAN: Verdict = {
  lost: 0,
  foreign: 0,
  disordered: 0,
  fallen: 0,
  repeated: 0,
  malformed: 0,
  examples: [],
};

interface Owed {
  readonly jobId: string;
  readonly standing: number;
  readonly generation: number;
  readonly acknowledgedAtMs: number;
}

interface Job {
  readonly userId: string;
  photoCount: number | null;
  /** Of its events that were acknowledged; the job's own ending is owed only if one core knows them all. */
  readonly generations: Set<number>;
  readonly endedPhotos: Set<string>;
  completed: boolean;
}

/** Of each kind: of what goes wrong once there may be thousands. */
export const MAX_EXAMPLES = 5;

/** Knows every acknowledged event and all that every client has seen, and judges. */
export class Oracle {
  readonly clients: ClientRecord[] = [];
  readonly findings = new Findings();
  readonly latency = new Latency();
  readonly #options: OracleOptions;
  readonly #jobs = new Map<string, Job>();
  /** By user, then by `job` or `job/photo`. */
  readonly #owed = new Map<string, Map<string, Owed>>();
  /** What acknowledged events come to. */
  readonly #truth = new Truth();
  /** Photos that the hub ended itself, and when it made the ends of jobs, as far as anybody was shown. */
  readonly #endedByHub = new Set<string>();
  readonly #jobEndedAtMs = new Map<string, number>();
  /** By user and id, what it was of first. */
  readonly #firstOf = new Map<string, string>();
  /** By `job` or `job/photo`: see `mayTakeBack`. */
  #kept: ReadonlyMap<string, number> | null = null;
  #named = 0;
  #generation = 0;
  #firstWhole = 0;

  constructor(options: OracleOptions) {
    this.#options = options;
  }

  /** Counts the cores; a request belongs to the one that lived when it was sent. */
  get generation(): number {
    return this.#generation;
  }

  get endingsOwed(): number {
    let sum = 0;
    for (const keys of this.#owed.values()) sum += keys.size;
    return sum;
  }

  /** `jobId`: the only one that it asks for; absent: all of the user's. */
  client(kind: ClientKind, userId: string, jobId?: string): ClientRecord {
    const record = new ClientRecord({
      name: `${kind}-${this.#named}`,
      ...{ kind, userId },
      ...(jobId !== undefined && { jobId }),
      findings: this.findings,
      ownerOf: (jobId) => this.#jobs.get(jobId)?.userId ?? null,
      onShown: (message, key, isLive) => this.#shown(message, key, isLive),
      keptOf: (key) => (this.#kept === null ? null : (this.#kept.get(key) ?? 0)),
      ...this.#options,
      ...(this.#options.epochsRetell === true && {
        firstOf: (id, key) => this.#noted(`${userId} ${id}`, key),
      }),
    });
    this.#named += 1;
    this.clients.push(record);
    return record;
  }

  /** Whoever is not looked at any more; what it was shown wrong stays. */
  forget(record: ClientRecord): void {
    const at = this.clients.indexOf(record);
    if (at >= 0) this.clients.splice(at, 1);
  }

  #shown(message: Shown, key: string, isLive: boolean): void {
    if (message.type === "job_completed") {
      const madeAtMs = message.timestamp === undefined ? Date.now() : Date.parse(message.timestamp);
      this.#jobEndedAtMs.set(key, Math.min(madeAtMs, this.#jobEndedAtMs.get(key) ?? madeAtMs));
    }
    if (isHubMade(message)) this.#endedBy(message, key);
    if (isLive) this.latency.shown(message);
  }

  #endedBy({ error, jobId, photoId, timestamp }: Shown, key: string): void {
    const { expireMs } = this.#options;
    const isFirst = !this.#endedByHub.has(key);
    this.#endedByHub.add(key);
    if (!isFirst || expireMs === undefined || error?.code !== "timeout" || photoId === undefined) return;
    const madeAtMs = timestamp === undefined ? Date.now() : Date.parse(timestamp);
    const what = prematureIn(this.#truth.heardOf(jobId, photoId), madeAtMs, expireMs);
    if (what !== null) this.findings.add("malformed", `${key} ${what}`);
  }

  #noted(id: string, key: string): string {
    const first = this.#firstOf.get(id) ?? key;
    this.#firstOf.set(id, first);
    return first;
  }

  /** Before it is sent for the first time: from now on its messages may come. True: nothing of its job was sent before. */
  published(event: SentEvent): boolean {
    const { jobId, userId } = event.data;
    this.latency.sent(event);
    this.#truth.sent(event);
    if (this.#jobs.has(jobId)) return false;
    this.#jobs.set(jobId, {
      userId,
      photoCount: null,
      generations: new Set(),
      endedPhotos: new Set(),
      completed: false,
    });
    return true;
  }

  /** Answered with 200 and not rejected; `generation` as it was when the request was sent. */
  acknowledged(event: SentEvent, generation: number): void {
    const { type, data } = event;
    this.#truth.acknowledged(event);
    const { jobId, photoId, attempt = 1 } = data;
    const job = this.#jobs.get(jobId);
    if (job === undefined) throw new Error(`${jobId} was acknowledged before it was published`);
    job.generations.add(generation);
    if (type === "uploadjob.created") job.photoCount = data.photoCount ?? null;
    if (type === "uploadjob.completed") job.completed = true;
    const status = endingOf(type);
    if (status !== null && photoId !== undefined) {
      job.endedPhotos.add(photoId);
      this.#owe(jobId, `${jobId}/${photoId}`, photoStanding(status, attempt), generation);
    }
    const isWhole = this.#options.stateSurvivesCore || job.generations.size === 1;
    if (isWhole && job.completed && job.endedPhotos.size === job.photoCount) {
      this.#owe(jobId, jobId, JOB_ENDED, generation);
    }
  }

  #owe(jobId: string, key: string, standing: number, generation: number): void {
    const userId = this.#jobs.get(jobId)?.userId ?? "";
    const keys = this.#owed.get(userId) ?? new Map<string, Owed>();
    this.#owed.set(userId, keys);
    const before = keys.get(key);
    if (before !== undefined && before.standing >= standing) return;
    keys.set(key, { jobId, standing, generation, acknowledgedAtMs: performance.now() });
  }

  /**
   * Called with the signal, in the same turn, so that no request is sent between the two. Drained: all that was
   * acknowledged was shown before the end, and stays owed; but another core knows only the jobs that it heard of.
   */
  coreEnded(how: "killed" | "drained"): void {
    this.#generation += 1;
    if (how === "killed" && !this.#options.stateSurvivesCore) this.#firstWhole = this.#generation;
  }

  /**
   * Called before a store is lost to its replica. What was shown and not acknowledged yet may be told again from where
   * it was, in another epoch; endings acknowledged so far must stand there.
   */
  mayTakeBack(): void {
    const standings = [...this.#owed.values()].flatMap((keys) => [...keys]);
    this.#kept = new Map(standings.map(([key, { standing }]) => [key, standing]));
  }

  /** Endings that a client which is connected now was owed and has not seen, nor anything that supersedes them. */
  lost(): readonly string[] {
    const lost: string[] = [];
    const isOpen = this.#truth.openJobs();
    for (const client of this.clients) {
      if (!client.isSynced) continue;
      for (const [key, owed] of this.#owed.get(client.userId) ?? []) {
        if (!client.isOf(owed.jobId)) continue;
        if (client.bestOf(key) >= owed.standing || owed.generation < this.#firstWhole) continue;
        // A photo of it failed, and whoever tried it again never told what became of that.
        if (isOpen.has(key)) continue;
        const agoMs = Math.round(performance.now() - owed.acknowledgedAtMs);
        lost.push(
          `${client.name} of ${client.userId} never saw the ending of ${key} acknowledged ${agoMs} ms ago ` +
            `(has ${client.bestOf(key)}, owed ${owed.standing}; ${client.disconnects.length} disconnects)`,
        );
      }
    }
    return lost;
  }

  /** Photos that are under way, and that the hub ends one day; 0: nobody knows when it would. */
  get open(): number {
    if (this.#options.expireMs === undefined) return 0;
    let open = 0;
    for (const { jobId, photos, isCancelled } of this.#truth.jobs()) {
      if (isCancelled) continue;
      for (const [photoId, { rank }] of photos) {
        if (rank === "UPLOADING" && !this.#endedByHub.has(`${jobId}/${photoId}`)) open += 1;
      }
    }
    return open;
  }

  /** What clients that are connected show otherwise than what was acknowledged comes to, a sentence each. */
  untrue(): readonly string[] {
    const { expireMs = null } = this.#options;
    const story = { endedByHub: this.#endedByHub, jobEndedAtMs: this.#jobEndedAtMs, expireMs };
    return this.clients.flatMap((client) => (client.isSynced ? untrueIn(client, this.#truth, story) : []));
  }

  verdict(): Verdict {
    const lost = this.lost();
    const counts = { foreign: 0, disordered: 0, fallen: 0, repeated: 0, malformed: 0 };
    const unended = this.clients.flatMap((client) => client.unended);
    const examples = lost.slice(0, MAX_EXAMPLES).map((what) => `lost: ${what}`);
    for (const fault of FAULTS) {
      const more = fault === "disordered" ? unended : [];
      counts[fault] = this.findings.count(fault) + more.length;
      const some = [...this.findings.of(fault), ...more].slice(0, MAX_EXAMPLES);
      examples.push(...some.map((what) => `${fault}: ${what}`));
    }
    return { lost: lost.length, ...counts, examples };
  }

  /** Gives messages on their way time to arrive, then the verdict. */
  async settled(deadlineMs: number): Promise<Verdict> {
    await until(() => this.lost().length === 0, "nothing lost", deadlineMs).catch(() => undefined);
    return this.verdict();
  }
}
