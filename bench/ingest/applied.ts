import { setTimeout as sleep } from "node:timers/promises";
import type { ExpectedBytes, IngestLane } from "./lane.ts";
import { pollAnswerOf } from "./poll-answer.ts";

const DEADLINE_MS = 10_000;
const LOOK_EVERY_MS = 100;

export interface AppliedOptions {
  readonly publicUrl: string;
  readonly tokenOf: (userId: string) => string;
  readonly jobs: readonly Pick<IngestLane, "jobId" | "userId" | "photos">[];
  readonly signal: AbortSignal;
  /** For all of it. Default 10 s: messages are shown within the hub's intervals. */
  readonly deadlineMs?: number;
}

export interface WrongPhoto {
  readonly jobId: string;
  readonly photoId: string;
  readonly expected: Readonly<ExpectedBytes>;
  /** Null: the hub doesn't know it. */
  readonly shown: number | null;
}

/** Reads back by polling what clients are shown, and compares it with what the hub accepted. `wrong` empty: all is there. */
export async function checkApplied(
  options: AppliedOptions,
): Promise<{ readonly photos: number; readonly wrong: readonly WrongPhoto[] }> {
  const endMs = performance.now() + (options.deadlineMs ?? DEADLINE_MS);
  const wrong: WrongPhoto[] = [];
  let photos = 0;
  for (const job of options.jobs) {
    photos += job.photos.size;
    let found = await wrongPhotosOf(options, job);
    while (found.length > 0 && performance.now() < endMs) {
      await sleep(LOOK_EVERY_MS, undefined, { signal: options.signal });
      found = await wrongPhotosOf(options, job);
    }
    wrong.push(...found);
  }
  return { photos, wrong };
}

async function wrongPhotosOf(
  { publicUrl, tokenOf, signal }: AppliedOptions,
  { jobId, userId, photos }: AppliedOptions["jobs"][number],
): Promise<readonly WrongPhoto[]> {
  const response = await fetch(`${publicUrl}/api/v1/upload-progress/${encodeURIComponent(jobId)}`, {
    headers: { authorization: `Bearer ${tokenOf(userId)}`, accept: "application/json" },
    signal,
  });
  const answer = pollAnswerOf(await response.text());
  const shown = new Map(answer?.messages.map(({ photoId, bytesTransferred }) => [photoId, bytesTransferred]));
  return (
    [...photos]
      .map(([photoId, expected]) => ({ jobId, photoId, expected, shown: shown.get(photoId) ?? null }))
      .filter(({ expected, shown }) => shown === null || shown < expected.least || shown > expected.most)
      // Nothing of it was acknowledged: it may be unknown.
      .filter(({ expected, shown }) => shown !== null || expected.least > 0)
  );
}
