import type { Job } from "../domain/job.ts";
import type { JobGlance, OutMessage, Page, ReadFrom, ReadQuery } from "./contract.ts";
import { formatEventId, parseEventId } from "./event-id.ts";
import type { MemoryStore, UserState } from "./memory-store.ts";
import { GROUP_MAX_BYTES } from "./router.ts";
import type { Now, Shower } from "./shower.ts";
import type { ShownEntry } from "./shown-log.ts";

type After = Extract<ReadFrom, { kind: "after" }>;

/** Answers `since(userId, seq, jobId?)` from memory, in pages. */
export class Reader {
  readonly #store: MemoryStore;
  readonly #shower: Shower;
  readonly #recentMs: number;

  constructor(store: MemoryStore, shower: Shower, recentMs: number) {
    this.#store = store;
    this.#shower = shower;
    this.#recentMs = recentMs;
  }

  page({ userId, jobId, from }: ReadQuery, now: Now): Page {
    const user = this.#store.user(userId);
    const head = user?.headSeq ?? this.#store.floorSeq;
    const position = this.#position(user, head, from, now.monotonicMs);
    const messages: OutMessage[] = [];
    const job = jobId === null ? null : (user?.jobs.get(jobId) ?? null);
    let size = 0;
    let reached = head;
    for (const entry of user?.log.after(position.seq) ?? []) {
      if (!this.#isWanted(entry, jobId, position)) continue;
      const message = this.#shower.replay(entry, now);
      if (message === null) continue;
      const bytes = Buffer.byteLength(message.json);
      if (messages.length > 0 && size + bytes > GROUP_MAX_BYTES) {
        reached = messages.at(-1)?.seq ?? head;
        break;
      }
      messages.push(message);
      size += bytes;
    }
    return {
      messages,
      next: { ...position, seq: reached },
      mode: position.mode === "resumed" ? "resumed" : "snapshot",
      head,
      headId: formatEventId(this.#store.epoch, head),
      done: reached === head,
      job: glanceOf(job),
    };
  }

  jobs(userId: string, jobId: string | null, now: Now): readonly OutMessage[] {
    const messages: OutMessage[] = [];
    for (const job of this.#store.user(userId)?.jobs.values() ?? []) {
      const isWanted = jobId === null ? !isPast(job, this.#recentMs, now.monotonicMs) : job.jobId === jobId;
      const message = isWanted ? this.#shower.replayJob(job, now) : null;
      if (message !== null) messages.push(message);
    }
    return messages;
  }

  /**
   * A place that can't be honoured (of another epoch, above the head, before the user's numbers began or what was
   * pruned) reads as `lost`: a snapshot that also names every ended job still kept.
   */
  #position(user: UserState | null, head: number, from: ReadFrom, nowMs: number): After {
    const lost: After = { kind: "after", seq: 0, mode: "lost", asOfMs: nowMs };
    const startSeq = user?.startSeq ?? this.#store.floorSeq;
    // What the user's numbers began with, or what was forgotten: who stands before it may have missed an ending.
    const first = Math.max(startSeq, user?.prunedSeq ?? 0);
    if (from.kind === "after") {
      // What is pruned under a snapshot's way is missing at most; a user forgotten there makes its first pages wrong.
      const isHonoured = from.seq >= (from.mode === "resumed" ? first : startSeq) && from.seq <= head;
      return isHonoured ? from : lost;
    }
    const id = parseEventId(from.lastEventId);
    if (id === null) return { kind: "after", seq: 0, mode: "snapshot", asOfMs: nowMs };
    const isHonoured = id.epoch === this.#store.epoch && id.seq >= first && id.seq <= head;
    return isHonoured ? { kind: "after", seq: id.seq, mode: "resumed" } : lost;
  }

  #isWanted(entry: ShownEntry, jobId: string | null, position: After): boolean {
    if (jobId !== null) return entry.job.jobId === jobId;
    if (position.mode === "resumed" || !isPast(entry.job, this.#recentMs, position.asOfMs)) return true;
    return position.mode === "lost" && entry.photo === null;
  }
}

/** Ended for longer than snapshots look back. */
function isPast(job: Job, recentMs: number, asOfMs: number): boolean {
  return job.ended !== null && asOfMs - job.ended.atMs > recentMs;
}

function glanceOf(job: Job | null): JobGlance | null {
  if (job === null) return null;
  return { ended: job.ended !== null, endedSeq: job.ended === null ? 0 : (job.shown?.last.seq ?? 0) };
}
