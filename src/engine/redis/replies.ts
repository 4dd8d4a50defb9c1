// What the scripts answer. Nobody but our own scripts writes these; what is not as it should be is told, not guessed at.

/** A job as a script tells of it. */
export interface JobReply {
  readonly jobId: string;
  readonly version: number;
  /** null: as it is known. */
  readonly news: JobNews | null;
}

export interface JobNews {
  readonly newestSeq: number;
  readonly bornSeq: number;
  /** null: it has not ended. */
  readonly endedMs: number | null;
  readonly record: string;
  /** The version after which photos are given; null: none are. */
  readonly sinceVersion: number | null;
  readonly photos: readonly (readonly [photoId: string, value: string])[];
}

export type CommitReply =
  | {
      readonly outcome: "committed";
      readonly epoch: string;
      /** Number before that of the first message. */
      readonly headSeq: number;
      readonly version: number;
      readonly gone: readonly string[];
    }
  | { readonly outcome: "conflict"; readonly epoch: string; readonly job: JobReply | null }
  | { readonly outcome: "no_room" };

export interface ReadReply {
  readonly epoch: string;
  readonly startSeq: number;
  readonly headSeq: number;
  readonly prunedSeq: number;
  readonly isNextKnown: boolean;
  readonly gone: readonly string[];
  readonly isWhole: boolean;
  readonly jobs: readonly JobReply[];
}

export function commitReplyOf(reply: unknown): CommitReply {
  const [outcome, ...rest] = list(reply);
  if (outcome === "no_room") return { outcome };
  if (outcome === "conflict") {
    return { outcome, epoch: String(rest[0]), job: rest[1] == null ? null : jobReplyOf(rest[1]) };
  }
  if (outcome !== "committed") throw new TypeError(`a script answered ${String(outcome)}`);
  const [epoch, headSeq, version, gone] = rest;
  return {
    outcome,
    epoch: String(epoch),
    headSeq: Number(headSeq),
    version: Number(version),
    gone: list(gone).map(String),
  };
}

export function readReplyOf(reply: unknown): ReadReply {
  const [epoch, numbers, gone, isWhole, jobs] = list(reply);
  const [startSeq = 0, headSeq = 0, prunedSeq = 0, isNextKnown = 0] = list(numbers).map(Number);
  return {
    epoch: String(epoch),
    startSeq,
    headSeq,
    prunedSeq,
    isNextKnown: isNextKnown === 1,
    gone: list(gone).map(String),
    isWhole: Number(isWhole) === 1,
    jobs: list(jobs).map(jobReplyOf),
  };
}

function jobReplyOf(reply: unknown): JobReply {
  const [jobId, version, ...rest] = list(reply);
  const job = { jobId: String(jobId), version: Number(version) };
  if (rest.length === 0) return { ...job, news: null };
  const [newestSeq, bornSeq, endedMs, record, since, photos] = rest;
  return {
    ...job,
    news: {
      newestSeq: Number(newestSeq),
      bornSeq: Number(bornSeq),
      endedMs: endedMs === "" ? null : Number(endedMs),
      record: String(record),
      sinceVersion: since === "bare" ? null : Number(since),
      photos: pairs(list(photos)),
    },
  };
}

export function list(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply;
  throw new TypeError(`a script answered ${String(reply)}, not a list`);
}

function pairs(flat: readonly unknown[]): readonly (readonly [string, string])[] {
  const found: [string, string][] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) found.push([String(flat[at]), String(flat[at + 1])]);
  return found;
}
