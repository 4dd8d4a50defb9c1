import { type HubMessage, isJobMessage, isPhotoMessage } from "./messages.ts";
import type { ConnectionState, SessionStore } from "./session.ts";
import type { Job, ProgressStore } from "./store.ts";
import type { Told, UnsignedLeaderMessage } from "./tab-messages.ts";

/** The store of a tab that leads: what it is told, tabs that follow are told, too. */
export class Relay implements SessionStore {
  readonly #store: ProgressStore;
  readonly #post: (message: UnsignedLeaderMessage) => void;
  readonly #state: () => ConnectionState;
  /** Somebody follows. */
  #isHeard = false;
  #isBehind = true;
  /** Somebody was told all since the last `synced`, and can't know what is not in the snapshot that the next one ends. */
  #isOwed = false;
  /** Those who wait to be told all. */
  readonly #joining = new Set<string>();
  #outbox: Told[] = [];

  constructor(
    store: ProgressStore,
    post: (message: UnsignedLeaderMessage) => void,
    state: () => ConnectionState,
  ) {
    this.#store = store;
    this.#post = post;
    this.#state = state;
  }

  get lastId(): string | null {
    return this.#store.lastId;
  }

  jobIds(): readonly string[] {
    return this.#store.jobIds();
  }

  job(jobId: string): Job | null {
    return this.#store.job(jobId);
  }

  opened(): void {
    this.#store.opened();
    this.#isBehind = true;
    this.#tell({ type: "opened" });
  }

  apply(message: HubMessage): void {
    this.#store.apply(message);
    if (message.type === "synced") {
      this.#isBehind = false;
      if (this.#isOwed || this.#joining.size > 0) this.#tellAll(true);
      else this.#tell(message);
    } else if (isPhotoMessage(message) || isJobMessage(message)) this.#tell(message);
  }

  /** Of one that follows. In the midst of a snapshot nobody is told all: what is there may be old. */
  answer(joins: string | null): void {
    this.#isHeard = true;
    this.showState();
    if (joins === null) return;
    this.#joining.add(joins);
    if (!this.#isBehind) this.#tellAll(false);
  }

  showState(): void {
    this.flush();
    this.#post({ kind: "here", state: this.#state() });
  }

  /** For nobody will be told any more. */
  end(reason: string): void {
    this.flush();
    this.#post({ kind: "over", reason });
  }

  flush(): void {
    const told = this.#outbox;
    this.#outbox = [];
    if (told.length > 0) this.#post({ kind: "told", told });
  }

  /** What comes in one go goes out in one. No timer: those of a page that nobody looks at are late. */
  #tell(told: Told): void {
    if (!this.#isHeard) return;
    if (this.#outbox.length === 0) queueMicrotask(() => this.flush());
    this.#outbox.push(told);
  }

  #tellAll(isForAll: boolean): void {
    this.flush();
    this.#isOwed = !isForAll;
    const [messages, { lastId }] = [this.#store.messages(), this.#store];
    const joined = [...this.#joining];
    this.#joining.clear();
    this.#post({ kind: "all", isForAll, joined, messages, lastId, state: this.#state() });
  }
}
