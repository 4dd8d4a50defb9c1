import type { JobGlance, OutMessage, Page, ReadFrom, ReadQuery } from "./contract.ts";
import { formatEventId, parseEventId } from "./event-id.ts";
import { GROUP_MAX_BYTES } from "./router.ts";
import { type Now, replay, replayJob } from "./shower.ts";
import type { Numbers, Since, SinceQuery, Store } from "./store.ts";

/** Of the smallest messages a page holds fewer. */
const PAGE_MAX_ENTRIES = 512;

type After = Extract<ReadFrom, { kind: "after" }>;

/** Answers `since(userId, seq, jobId?)` from the store, in pages. */
export class Reader {
  readonly #store: Pick<Store, "since" | "jobs">;
  readonly #recentMs: number;

  constructor(store: Pick<Store, "since" | "jobs">, recentMs: number) {
    this.#store = store;
    this.#recentMs = recentMs;
  }

  async page(query: ReadQuery, now: Now): Promise<Page> {
    const place = placeOf(query.from, now.monotonicMs);
    const since = await this.#since(query, place);
    if (isHonoured(place, since)) return pageOf(since, place, now);
    const lost: After = { kind: "after", epoch: since.epoch, seq: 0, mode: "lost", asOfMs: now.monotonicMs };
    return pageOf(await this.#since(query, lost), lost, now);
  }

  async jobs(userId: string, jobId: string | null, now: Now): Promise<readonly OutMessage[]> {
    const { epoch, jobs } = await this.#store.jobs(userId);
    const messages: OutMessage[] = [];
    for (const job of jobs) {
      const isPast = job.ended !== null && now.monotonicMs - job.ended.atMs > this.#recentMs;
      const isWanted = jobId === null ? !isPast : job.jobId === jobId;
      const message = isWanted ? replayJob(job, epoch, now) : null;
      if (message !== null) messages.push(message);
    }
    return messages;
  }

  #since({ userId, jobId }: ReadQuery, place: After): Promise<Since> {
    const past = this.#pastOf(place, jobId);
    return this.#store.since({ userId, jobId, afterSeq: place.seq, limit: PAGE_MAX_ENTRIES, past });
  }

  /** Snapshots leave out what ended long ago; who lost the place is also told which of that is still kept. */
  #pastOf(place: After, jobId: string | null): SinceQuery["past"] {
    if (place.mode === "resumed" || jobId !== null) return null;
    return { beforeMs: place.asOfMs - this.#recentMs, keep: place.mode === "lost" ? "job" : "none" };
  }
}

function placeOf(from: ReadFrom, nowMs: number): After {
  if (from.kind === "after") return from;
  const id = parseEventId(from.lastEventId);
  if (id === null) return { kind: "after", epoch: "", seq: 0, mode: "snapshot", asOfMs: nowMs };
  return { kind: "after", ...id, mode: "resumed" };
}

/**
 * A place that can't be honoured (of another epoch, above the head, before the user's numbers began or what was
 * pruned) reads as `lost`: a snapshot that also names every ended job still kept.
 */
function isHonoured({ epoch, seq, mode }: After, numbers: Numbers): boolean {
  // The beginning of a snapshot.
  if (mode !== "resumed" && seq === 0) return true;
  if (epoch !== numbers.epoch) return false;
  // What is pruned under a snapshot's way is missing at most; a user forgotten there makes its first pages wrong.
  const first = mode === "resumed" ? numbers.firstSeq : numbers.startSeq;
  return seq >= first && seq <= numbers.headSeq;
}

function pageOf({ epoch, headSeq, isNextKnown, entries, isAll, job }: Since, place: After, now: Now): Page {
  const messages: OutMessage[] = [];
  let size = 0;
  let reached = isAll ? headSeq : (entries.at(-1)?.seq ?? headSeq);
  for (const entry of entries) {
    const message = replay(entry, epoch, now);
    if (message === null) continue;
    if (messages.length > 0 && size + message.bytes > GROUP_MAX_BYTES) {
      reached = messages.at(-1)?.seq ?? headSeq;
      break;
    }
    messages.push(message);
    size += message.bytes;
  }
  return {
    messages,
    next: { ...place, epoch, seq: reached },
    mode: place.mode === "resumed" ? "resumed" : "snapshot",
    begins: place.mode !== "resumed" && place.seq === 0,
    head: headSeq,
    headId: formatEventId(epoch, headSeq),
    isNextKnown,
    done: reached === headSeq,
    job: glanceOf(job),
  };
}

function glanceOf(job: Since["job"]): JobGlance | null {
  if (job === null) return null;
  return { ended: job.ended !== null, endedSeq: job.ended === null ? 0 : (job.shown?.last.seq ?? 0) };
}
