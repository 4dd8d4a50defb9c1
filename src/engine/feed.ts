import type {
  OpenOptions,
  OutMessage,
  Page,
  ReadFrom,
  ReadQuery,
  Sink,
  Subscription,
  SyncMode,
} from "./contract.ts";

type ReadPage = (query: ReadQuery) => Promise<Page>;

/**
 * One connection's way through `since(...)` into live messages, and back into `since(...)` when it could not keep up.
 * It is subscribed before it reads, so nothing falls between; what comes live while it reads is not kept but read.
 * States: reading -> live -> held -> reading ...; closed from anywhere.
 */
export class Feed implements Subscription {
  readonly #readPage: ReadPage;
  readonly #userId: string;
  readonly #jobId: string | null;
  readonly #sink: Sink;
  readonly #onClose: (feed: Feed) => void;
  #state: "reading" | "live" | "held" | "closed" = "reading";
  /** Everything up to here was given to the sink. */
  #position: ReadFrom;
  /** The newest live message that came while reading. */
  #heardSeq = 0;

  constructor(
    readPage: ReadPage,
    userId: string,
    options: OpenOptions,
    sink: Sink,
    onClose: (feed: Feed) => void,
  ) {
    this.#readPage = readPage;
    this.#userId = userId;
    this.#jobId = options.jobId;
    this.#sink = sink;
    this.#onClose = onClose;
    this.#position = { kind: "start", lastEventId: options.lastEventId };
  }

  get userId(): string {
    return this.#userId;
  }

  start(): void {
    void this.#catchUp();
  }

  /** Messages just shown to the user, in order, at most one group's worth. */
  push(group: readonly OutMessage[]): void {
    const newest = group.at(-1);
    if (newest === undefined) return;
    if (this.#state !== "live") {
      this.#heardSeq = newest.seq;
      return;
    }
    const wanted = this.#jobId === null ? group : group.filter((message) => message.jobId === this.#jobId);
    this.#position = { kind: "after", seq: newest.seq, mode: "resumed" };
    if (wanted.length === 0) return;
    if (!this.#sink.send(wanted)) this.#hold();
    if (this.#jobId !== null && wanted.some((message) => message.type === "job_completed")) {
      this.#sink.jobEnded();
    }
  }

  resume(): void {
    if (this.#state !== "held") return;
    this.#state = "reading";
    void this.#catchUp();
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#onClose(this);
  }

  async #catchUp(): Promise<void> {
    try {
      for (;;) {
        const page = await this.#readPage({ userId: this.#userId, jobId: this.#jobId, from: this.#position });
        if (this.#isClosed()) return;
        this.#position = page.next;
        if (page.messages.length > 0 && !this.#sink.send(page.messages)) return this.#hold();
        if (page.done && this.#heardSeq <= page.head) return this.#goLive(page, page.mode);
      }
    } catch (error) {
      if (!this.#isClosed()) this.#sink.failed(error);
    }
  }

  #goLive(page: Page, mode: SyncMode): void {
    if (this.#isClosed()) return;
    this.#state = "live";
    this.#position = { kind: "after", seq: page.head, mode: "resumed" };
    this.#sink.synced(mode, page.headId, this.#jobId === null || page.job !== null);
    if (page.job?.ended) this.#sink.jobEnded();
  }

  #hold(): void {
    if (!this.#isClosed()) this.#state = "held";
  }

  // A method, since the sink may have closed the feed meanwhile, which narrowing of a field would not see.
  #isClosed(): boolean {
    return this.#state === "closed";
  }
}
