import { type ReactElement, useEffect, useState } from "react";
import type { Job } from "../../client/index.ts";
import { useConnection, useProgress } from "../../client/react/index.ts";
import { jobStatus, photosText } from "./text.ts";

/** Between two sentences; what happens meanwhile waits, or is left out where something newer says more. */
const PAUSE_MS = 3_000;
/** A connection that is back sooner was never away for whoever listens. */
const AWAY_MS = 4_000;

/** Tells screen readers of beginnings and endings of jobs and of a lost connection; bars they ask for themselves. */
export function Announcer(): ReactElement {
  return (
    <p className="sr-only" role="status" aria-live="polite">
      {useSentence()}
    </p>
  );
}

function useSentence(): string {
  const progress = useProgress();
  const { phase } = useConnection();
  const [sentence, setSentence] = useState("");
  const [queue] = useState(() => new SentenceQueue(setSentence));
  useEffect(() => () => queue.stop(), [queue]);

  const isLive = phase === "live" || phase === "polling";
  const [hasBegun, setHasBegun] = useState(false);
  if (isLive && !hasBegun) setHasBegun(true);

  useEffect(() => {
    // Of what was there before nobody wants to hear.
    if (!hasBegun) return;
    const { store } = progress;
    const known = new Set(store.jobIds());
    const underWay = new Set(store.jobIds().filter((jobId) => store.job(jobId)?.hasEnded === false));
    const stops = [
      progress.on("job", (job) => {
        if (known.has(job.jobId)) return;
        known.add(job.jobId);
        if (job.hasEnded) return;
        underWay.add(job.jobId);
        queue.add(job.jobId, `${titleOf(job)}: uploading ${photosText(job.photos.total)}`);
      }),
      progress.on("ended", (job) => {
        if (underWay.delete(job.jobId)) queue.add(job.jobId, `${titleOf(job)}: ${jobStatus(job).text}`);
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [progress, queue, hasBegun]);

  const isAway = phase === "resuming";
  const [wasAway, setWasAway] = useState(false);
  useEffect(() => {
    if (wasAway ? !isLive : !isAway) return;
    const timer = setTimeout(
      () => {
        setWasAway(isAway);
        queue.add("", isAway ? "Connection lost, coming back" : "Connected again");
      },
      isAway ? AWAY_MS : 0,
    );
    return () => clearTimeout(timer);
  }, [isAway, isLive, wasAway, queue]);
  return sentence;
}

/** Says one sentence after the other, with a pause behind each; of one subject only the newest that waits. */
class SentenceQueue {
  readonly #say: (sentence: string) => void;
  readonly #waiting = new Map<string, string>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(say: (sentence: string) => void) {
    this.#say = say;
  }

  add(subject: string, sentence: string): void {
    this.#waiting.set(subject, sentence);
    if (this.#timer === null) this.#next();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#waiting.clear();
  }

  #next(): void {
    this.#timer = null;
    const [first] = this.#waiting;
    if (first === undefined) return;
    this.#waiting.delete(first[0]);
    this.#say(first[1]);
    this.#timer = setTimeout(() => this.#next(), PAUSE_MS);
  }
}

function titleOf({ title, jobId }: Job): string {
  return title ?? jobId;
}
