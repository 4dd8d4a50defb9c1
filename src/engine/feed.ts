import { HubError } from "../errors.ts";
import type {
  OpenOptions,
  OutMessage,
  Page,
  ReadFrom,
  ReadQuery,
  Receiver,
  Sink,
  Subscription,
} from "./contract.ts";

type ReadPage = (query: ReadQuery) => Promise<Page>;

/**
 * One connection's way through `since(...)` into live messages, and back into `since(...)` when it could not keep up.
 * It is subscribed before it reads, so nothing falls between; what comes live while it reads is not kept but read.
 * A snapshot that begins behind other messages is set off from them by a `synced`, or a client would count those to it.
 * States: reading -> live -> held -> reading ...; live -> reading when it is to read again; reading -> waiting when the
 * store can't be reached, until it says that it can again; closed from anywhere.
 */
export class Feed implements Receiver, Subscription {
  readonly #readPage: ReadPage;
  readonly #userId: string;
  readonly #jobId: string | null;
  readonly #sink: Sink;
  readonly #onClose: (feed: Feed) => void;
  #state: "reading" | "live" | "held" | "waiting" | "closed" = "reading";
  /** Everything up to here was given to the sink. */
  #position: ReadFrom;
  /** Its number. */
  #seq = 0;
  /** False: the user's numbers had not begun, and the first may be any. */
  #isNextKnown = false;
  /** What ids begin with in its epoch. */
  #idPrefix = "";
  /** The newest live message that came while reading. */
  #heardSeq = 0;
  /** The page under way may have been made before what it has to show. */
  #isPageStale = false;
  /** The number of the last message sent since `synced` was said; 0: none. No id, since each feed would keep a text. */
  #unsyncedSeq = 0;

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
    // Numbers of another epoch have nothing to do with those from before, be it that a page of these is under way.
    if (!newest.id.startsWith(this.#idPrefix)) {
      this.resync();
      return;
    }
    if (this.#state !== "live") {
      this.#heardSeq = Math.max(this.#heardSeq, newest.seq);
      return;
    }
    // Between what is not the next and what came before it something was missed.
    const isNext = !this.#isNextKnown || (group[0]?.seq ?? 0) <= this.#seq + 1;
    if (!isNext) {
      this.resync();
      return;
    }
    const wanted = this.#wantedOf(group);
    if (newest.seq > this.#seq) {
      this.#seq = newest.seq;
      this.#isNextKnown = true;
    }
    if (wanted.length === 0) return;
    if (!this.#send(wanted)) this.#hold();
    if (this.#jobId !== null && wanted.some((message) => message.type === "job_completed")) {
      this.#sink.jobEnded();
    }
  }

  resume(): void {
    if (this.#state !== "held") return;
    this.#state = "reading";
    void this.#catchUp();
  }

  /** Reads again from where it stands. Held, it will; closed, it has no need. */
  resync(): void {
    if (this.#state === "closed") return;
    // All that was heard so far is older than the read to come, and its numbers may not be there any more.
    this.#heardSeq = 0;
    if (this.#state === "held") return;
    this.#isPageStale = true;
    if (this.#state === "reading") return;
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
        this.#isPageStale = false;
        const page = await this.#readPage({ userId: this.#userId, jobId: this.#jobId, from: this.#from() });
        if (this.#isClosed()) return;
        if (page.begins) this.#setOff();
        this.#goTo(page.next);
        if (page.messages.length > 0 && !this.#send(page.messages)) return this.#hold();
        if (page.done && this.#heardSeq <= page.head && !this.#isPageStale) return this.#goLive(page);
      }
    } catch (error) {
      if (this.#isClosed()) return;
      // Who has something to look at keeps it: there will be a `resync`.
      const mayWait = error instanceof HubError && error.code === "store_unavailable";
      if (mayWait && this.#position.kind === "after") this.#state = "waiting";
      else this.#sink.failed(error);
    }
  }

  #goLive(page: Page): void {
    if (this.#isClosed()) return;
    this.#state = "live";
    this.#goTo({ kind: "after", epoch: page.next.epoch, seq: page.head, mode: "resumed" });
    this.#isNextKnown = page.isNextKnown;
    this.#unsyncedSeq = 0;
    this.#sink.synced(page.mode, page.headId, this.#jobId === null || page.job !== null);
    if (page.job?.ended) this.#sink.jobEnded();
  }

  /** The id is one that can't be honoured: who is cut off before the snapshot is whole begins with it again. */
  #setOff(): void {
    const seq = this.#unsyncedSeq;
    this.#unsyncedSeq = 0;
    if (seq > 0) this.#sink.synced("resumed", this.#idPrefix + seq, true);
  }

  #send(messages: readonly OutMessage[]): boolean {
    this.#unsyncedSeq = messages.at(-1)?.seq ?? this.#unsyncedSeq;
    return this.#sink.send(messages);
  }

  /** The group itself where all of it is wanted: it is encoded once for all who get it. */
  #wantedOf(group: readonly OutMessage[]): readonly OutMessage[] {
    const after = this.#seq;
    const isAllNew = (group[0]?.seq ?? 0) > after;
    if (isAllNew && this.#jobId === null) return group;
    return group.filter(({ seq, jobId }) => seq > after && (this.#jobId === null || jobId === this.#jobId));
  }

  #goTo(position: Page["next"]): void {
    this.#position = position;
    this.#seq = position.seq;
    this.#idPrefix = `${position.epoch}-`;
  }

  /** Where it stands, be it by what came live since it read. */
  #from(): ReadFrom {
    const position = this.#position;
    const isBehind = position.kind === "after" && position.seq < this.#seq;
    if (isBehind) this.#goTo({ ...position, seq: this.#seq, mode: "resumed" });
    return this.#position;
  }

  #hold(): void {
    if (!this.#isClosed()) this.#state = "held";
  }

  // A method, since the sink may have closed the feed meanwhile, which narrowing of a field would not see.
  #isClosed(): boolean {
    return this.#state === "closed";
  }
}
