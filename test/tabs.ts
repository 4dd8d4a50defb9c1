import type { TabChannel, TabLocks, Tabs } from "../src/client/tabs.ts";

interface Request {
  readonly name: string;
  readonly held: () => Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A browser with its locks and channels, as far as tabs can see it. */
export class FakeBrowser {
  readonly #tabs = new Set<FakeTab>();
  readonly #held = new Map<string, { readonly tab: FakeTab; readonly request: Request }>();
  readonly #queue: { readonly tab: FakeTab; readonly request: Request }[] = [];
  /** All that was ever posted, as JSON. */
  readonly posted: string[] = [];

  tab(): FakeTab {
    const tab = new FakeTab(this);
    this.#tabs.add(tab);
    return tab;
  }

  /** Whose lock it is; null: nobody's. */
  holder(): FakeTab | null {
    return [...this.#held.values()][0]?.tab ?? null;
  }

  post(from: FakeTab, channel: FakeChannel, data: unknown): void {
    this.posted.push(JSON.stringify(data));
    if (from.isGone) return;
    const copy: unknown = structuredClone(data);
    for (const tab of this.#tabs)
      for (const other of tab.channels)
        if (other !== channel && other.name === channel.name) tab.deliver(other, copy);
  }

  request(tab: FakeTab, options: Parameters<TabLocks["request"]>[1], request: Request): void {
    const entry = { tab, request };
    if (options.steal === true) {
      const before = this.#held.get(request.name);
      this.#held.delete(request.name);
      before?.tab.later(() => before.request.reject(new Error("stolen")));
      this.#queue.unshift(entry);
    } else this.#queue.push(entry);
    options.signal?.addEventListener("abort", () => {
      const at = this.#queue.indexOf(entry);
      if (at < 0) return;
      this.#queue.splice(at, 1);
      request.reject(new Error("aborted"));
    });
    queueMicrotask(() => this.#grant());
  }

  /** Of a tab that is closed or crashed: whatever it had is free. */
  gone(tab: FakeTab): void {
    this.#tabs.delete(tab);
    for (const [name, held] of [...this.#held]) if (held.tab === tab) this.#held.delete(name);
    for (const entry of [...this.#queue])
      if (entry.tab === tab) this.#queue.splice(this.#queue.indexOf(entry), 1);
    queueMicrotask(() => this.#grant());
  }

  #grant(): void {
    for (const entry of [...this.#queue]) {
      const { name, held, resolve } = entry.request;
      if (this.#held.has(name)) continue;
      this.#queue.splice(this.#queue.indexOf(entry), 1);
      this.#held.set(name, entry);
      void held().then(() => {
        if (this.#held.get(name) === entry) this.#held.delete(name);
        resolve();
        this.#grant();
      });
    }
  }
}

class FakeChannel implements TabChannel {
  readonly name: string;
  onmessage: ((event: never) => void) | null = null;
  readonly #tab: FakeTab;

  constructor(name: string, tab: FakeTab) {
    this.name = name;
    this.#tab = tab;
  }

  postMessage(data: unknown): void {
    this.#tab.browser.post(this.#tab, this, data);
  }

  close(): void {
    this.#tab.channels.delete(this);
  }
}

export class FakeTab implements Tabs {
  readonly browser: FakeBrowser;
  readonly channels = new Set<FakeChannel>();
  isGone = false;
  readonly #waiting: (() => void)[] = [];
  #isAsleep = false;
  #frozen: () => void = () => undefined;
  #thawed: () => void = () => undefined;

  constructor(browser: FakeBrowser) {
    this.browser = browser;
  }

  readonly locks: TabLocks = {
    request: (name, options, held) =>
      new Promise<void>((resolve, reject) => {
        this.browser.request(this, options, { name, held, resolve, reject });
      }),
  };

  channel(name: string): FakeChannel {
    const channel = new FakeChannel(name, this);
    this.channels.add(channel);
    return channel;
  }

  onFreeze(frozen: () => void, thawed: () => void): () => void {
    [this.#frozen, this.#thawed] = [frozen, thawed];
    return () => undefined;
  }

  deliver(channel: FakeChannel, data: unknown): void {
    this.later(() => channel.onmessage?.({ data } as never));
  }

  /** When it is awake, if ever. */
  later(task: () => void): void {
    if (this.#isAsleep) this.#waiting.push(task);
    else queueMicrotask(() => !this.isGone && task());
  }

  /** As of a page's life cycle. */
  freeze(): void {
    this.#frozen();
  }

  thaw(): void {
    this.#thawed();
  }

  /** Without a word: what is posted to it waits. */
  suspend(): void {
    this.#isAsleep = true;
  }

  resume(): void {
    this.#isAsleep = false;
    for (const task of this.#waiting.splice(0)) task();
  }

  /** Without a word, too. */
  crash(): void {
    this.isGone = true;
    this.browser.gone(this);
  }
}
