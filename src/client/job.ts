import type { Job, Photo, ProgressStore } from "./store.ts";

/** Calls back with the reason once no more will come, at once where it is so already; gives back what ends it. */
export type WhenClosed = (listener: (reason: string) => void) => () => void;

/** The connection ended before the job did. */
export class ConnectionClosedError extends Error {
  override readonly name = "ConnectionClosedError";
  /** As in the connection's state. */
  readonly reason: string;

  constructor(jobId: string, reason: string) {
    super(`the connection closed (${reason}) before the job ${jobId} had ended`);
    this.reason = reason;
  }
}

/** One job: what is known of it now, and how to hear of it. */
export class JobHandle implements AsyncIterable<Job> {
  readonly jobId: string;
  readonly #store: ProgressStore;
  readonly #whenClosed: WhenClosed;

  constructor(jobId: string, store: ProgressStore, whenClosed: WhenClosed) {
    this.jobId = jobId;
    this.#store = store;
    this.#whenClosed = whenClosed;
  }

  /** null: nothing was heard of it yet. */
  get(): Job | null {
    return this.#store.job(this.jobId);
  }

  photos(): readonly Photo[] {
    return this.#store
      .photoIds(this.jobId)
      .flatMap((photoId) => this.#store.photo(this.jobId, photoId) ?? []);
  }

  /** Resolves at its end, however it ended. Rejects with a ConnectionClosedError. */
  done(): Promise<Job> {
    return new Promise((resolve, reject) => {
      const present = this.get();
      if (present?.hasEnded === true) return resolve(present);
      const stops: (() => void)[] = [];
      const stop = (): void => {
        for (const one of stops) one();
      };
      stops.push(
        this.#store.events.on("ended", (job) => {
          if (job.jobId !== this.jobId) return;
          stop();
          resolve(job);
        }),
      );
      stops.push(
        this.#whenClosed((reason) => {
          stop();
          reject(new ConnectionClosedError(this.jobId, reason));
        }),
      );
    });
  }

  /** Each state of the job from the present one to its end; who is slow gets the newest, not all. Ends with the connection. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Job, void> {
    let last: Job | null = null;
    let isClosed = false;
    let wake: () => void = () => undefined;
    const stops = [
      this.#store.onJob(this.jobId, () => wake()),
      this.#whenClosed(() => {
        isClosed = true;
        wake();
      }),
    ];
    try {
      for (;;) {
        const news = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const job = this.get();
        if (job !== null && job !== last) {
          last = job;
          yield job;
          if (job.hasEnded) return;
        } else if (isClosed) return;
        else await news;
      }
    } finally {
      for (const stop of stops) stop();
    }
  }
}
