import type { ConnectOptions, Progress } from "../../src/client/connect.ts";
import type { ConnectionState, Times, TransportName } from "../../src/client/session.ts";
import type { Job, Photo } from "../../src/client/store.ts";

/** What a page can be told of a connection, which is data. */
export interface FollowOptions {
  readonly url: string;
  /** In the order in which they are given when one is asked for; the last one again and again. */
  readonly tokens: readonly string[];
  readonly jobId?: string;
  readonly transports?: readonly TransportName[];
  readonly times?: Partial<Times>;
}

export interface SeenState extends ConnectionState {
  /** When it was told, in Unix milliseconds. */
  readonly atMs: number;
}

/** A connection of the SDK that takes and gives nothing but data: it runs in Node and in pages, and imports neither. */
export class Follower {
  readonly #progress: Progress;
  readonly #states: SeenState[] = [];
  #tokensAsked = 0;

  constructor(connect: (options: ConnectOptions) => Progress, { tokens, ...options }: FollowOptions) {
    const token = (): string => {
      const given = tokens[Math.min(this.#tokensAsked, tokens.length - 1)] ?? "";
      this.#tokensAsked += 1;
      return given;
    };
    this.#progress = connect({ ...options, token });
    const see = (state: ConnectionState): void => void this.#states.push({ ...state, atMs: Date.now() });
    see(this.#progress.state);
    this.#progress.onState(see);
  }

  state(): ConnectionState {
    return this.#progress.state;
  }

  /** Every one since it began. */
  states(): readonly SeenState[] {
    return this.#states;
  }

  tokensAsked(): number {
    return this.#tokensAsked;
  }

  jobIds(): readonly string[] {
    return this.#progress.store.jobIds();
  }

  photo(jobId: string, photoId: string): Photo | null {
    return this.#progress.store.photo(jobId, photoId);
  }

  photos(jobId: string): readonly Photo[] {
    return this.#progress.job(jobId).photos();
  }

  done(jobId: string): Promise<Job> {
    return this.#progress.job(jobId).done();
  }

  /** Until the job has ended, or the connection. */
  async read(jobId: string): Promise<readonly Job[]> {
    const read: Job[] = [];
    for await (const job of this.#progress.job(jobId)) read.push(job);
    return read;
  }

  close(): void {
    this.#progress.close();
  }
}
