import type {
  OpenOptions,
  OutMessage,
  Page,
  ReadFrom,
  ReadQuery,
  Receiver,
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
export class Feed implements Receiver, Subscription {
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
  /** The page under way may be older than what is asked for: one more is to be read. */
  #isReadDue = false;

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

  start(): void {
    void this.#catchUp();
  }

  push(_userId: string, group: readonly OutMessage[]): void {
    const newest = group.at(-1);
    if (newest === undefined) return;
    if (this.#state !== "live") {
      this.#heardSeq = newest.seq;
      return;
    }
    const reachedSeq = this.#position.kind === "after" ? this.#position.seq : 0;
    if (newest.seq <= reachedSeq) return;
    const wanted = this.#wantedOf(group, reachedSeq);
    this.#position = { kind: "after", seq: newest.seq, mode: "resumed" };
    if (wanted.length === 0) return;
    if (!this.#sink.send(wanted)) this.#hold();
    if (this.#jobId !== null && wanted.some((message) => message.type === "job_completed")) {
      this.#sink.jobEnded();
    }
  }

  /** Live messages may be missing: reads from where it stands, and says `synced` again. A hold reads anyway at its end. */
  resync(): void {
    // What was heard before is in what will be read; after a loss of state its number may be beyond the head for ever.
    this.#heardSeq = 0;
    if (this.#state === "reading") this.#isReadDue = true;
    if (this.#state !== "live") return;
    this.#state = "reading";
    void this.#catchUp();
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
        this.#isReadDue = false;
        const page = await this.#readPage({ userId: this.#userId, jobId: this.#jobId, from: this.#position });
        if (this.#isClosed()) return;
        this.#position = page.next;
        if (page.messages.length > 0 && !this.#sink.send(page.messages)) return this.#hold();
        if (page.done && this.#heardSeq <= page.head && !this.#isReadDue)
          return this.#goLive(page, page.mode);
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

  /** The group itself where all of it is wanted: transports keep what they made of a group. */
  #wantedOf(group: readonly OutMessage[], reachedSeq: number): readonly OutMessage[] {
    // What a page overtook on its way was in that page.
    const isNew = group.every(({ seq }) => seq > reachedSeq);
    if (isNew && this.#jobId === null) return group;
    return group.filter(
      ({ seq, jobId }) => seq > reachedSeq && (this.#jobId === null || jobId === this.#jobId),
    );
  }

  #hold(): void {
    if (!this.#isClosed()) this.#state = "held";
  }

  // A method, since the sink may have closed the feed meanwhile, which narrowing of a field would not see.
  #isClosed(): boolean {
    return this.#state === "closed";
  }
}
