import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Session } from "../../src/client/session.ts";
import { SharedSession } from "../../src/client/shared.ts";
import { ProgressStore } from "../../src/client/store.ts";
import type { Line, Transport } from "../../src/client/transport.ts";
import { FakeBrowser, type FakeTab } from "../tabs.ts";

const TIMES = { connectMs: 1_000, minRetryMs: 100, maxRetryMs: 1_000, heartbeatMs: 600_000, climbMs: 20_000 };
const PHOTOS = 3;

/** Progress of some photos, and who is connected: resumes from any id, or gives a snapshot. */
class Hub {
  readonly lines = new Set<Line>();
  readonly #shown = new Map<string, { readonly seq: number; readonly progress: number }>();
  #seq = 0;

  readonly open: Transport = ({ lastEventId }, line) => {
    const after = lastEventId === null ? 0 : Number(lastEventId.split("-")[1]);
    // An answer takes its time, in which something else may happen.
    const timer = setTimeout(() => {
      for (const [photoId, { seq }] of this.#shown) if (seq > after) this.#tell(line, photoId);
      const mode = lastEventId === null ? "snapshot" : "resumed";
      line.message(JSON.stringify({ type: "synced", mode, id: `a-${this.#seq}` }));
      this.lines.add(line);
    }, 20);
    return {
      refresh: null,
      close: () => {
        clearTimeout(timer);
        this.lines.delete(line);
      },
    };
  };

  get progress(): ReadonlyMap<string, number> {
    return new Map([...this.#shown].map(([photoId, { progress }]) => [photoId, progress]));
  }

  step(photo: number): void {
    const photoId = `p${photo}`;
    this.#seq += 1;
    const progress = (this.#shown.get(photoId)?.progress ?? 0) + 1;
    this.#shown.set(photoId, { seq: this.#seq, progress });
    for (const line of this.lines) this.#tell(line, photoId);
  }

  cut(): void {
    for (const line of [...this.lines]) line.ended({ kind: "lost", reason: "cut", afterMs: null });
  }

  #tell(line: Line, photoId: string): void {
    const { seq, progress } = this.#shown.get(photoId) ?? { seq: 0, progress: 0 };
    line.message(
      JSON.stringify({
        ...{ type: "upload_progress", id: `a-${seq}`, jobId: "j", photoId, status: "UPLOADING", progress },
        ...{ timestamp: "", bytesTransferred: progress, totalBytes: 100, attempt: 1 },
      }),
    );
  }
}

interface Opened {
  readonly tab: FakeTab;
  readonly store: ProgressStore;
  readonly shared: SharedSession;
}

class Scene {
  readonly hub = new Hub();
  readonly #browser = new FakeBrowser();
  readonly tabs: Opened[] = [];
  readonly backwards: string[] = [];

  open(): void {
    const [tab, store] = [this.#browser.tab(), new ProgressStore()];
    const before = new Map<string, number>();
    store.events.on("photo", ({ photoId, progress }) => {
      const was = before.get(photoId) ?? 0;
      if ((progress ?? 0) < was) this.backwards.push(`${photoId}: ${was} became ${progress}`);
      before.set(photoId, progress ?? 0);
    });
    const shared = new SharedSession({
      ...{ tabs: tab, store, name: Promise.resolve("u"), onState: () => undefined },
      start: (into, onState) =>
        new Session({
          ...{ url: "http://hub", jobId: null, store: into, times: TIMES, onState, token: () => "t" },
          transports: [{ name: "websocket", open: this.hub.open }],
        }),
    });
    this.tabs.push({ tab, store, shared });
  }

  do(what: string, at: number): void {
    const one = this.tabs[at % Math.max(1, this.tabs.length)];
    if (what === "open" && this.tabs.length < 6) this.open();
    else if (what === "step") this.hub.step(at % PHOTOS);
    else if (what === "cut") this.hub.cut();
    else if (one === undefined) return;
    else if (what === "close") this.#forget(one, () => one.shared.close());
    else if (what === "crash") this.#forget(one, () => one.tab.crash());
    else if (what === "freeze") one.tab.freeze();
    else if (what === "thaw") one.tab.thaw();
    else if (what === "suspend") one.tab.suspend();
    else if (what === "resume") one.tab.resume();
  }

  #forget(one: Opened, end: () => void): void {
    this.tabs.splice(this.tabs.indexOf(one), 1);
    end();
    // What a crashed tab had is gone with it.
    one.shared.close();
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

interface Action {
  readonly what: string;
  readonly at: number;
  readonly thenMs: number;
}

const action: fc.Arbitrary<Action> = fc.record({
  what: fc.oneof(
    { weight: 4, arbitrary: fc.constant("step") },
    { weight: 2, arbitrary: fc.constant("open") },
    fc.constantFrom("close", "crash", "freeze", "thaw", "suspend", "resume", "cut"),
  ),
  at: fc.nat(20),
  thenMs: fc.constantFrom(0, 0, 1, 15, 30, 3_000, 15_000),
});

/** Found by chance, once in a thousand: what others were told while it slept was older than what its own line had brought. */
const SLEEPS_WITH_THE_CONNECTION: Action[] = [
  { what: "suspend", at: 0, thenMs: 0 },
  { what: "open", at: 0, thenMs: 0 },
  { what: "open", at: 0, thenMs: 15_000 },
  { what: "step", at: 0, thenMs: 0 },
  { what: "suspend", at: 0, thenMs: 0 },
  { what: "step", at: 0, thenMs: 0 },
  { what: "step", at: 0, thenMs: 0 },
  { what: "step", at: 0, thenMs: 0 },
];

it("whatever befalls tabs that share a connection, each shows at last what is, and nothing ever goes back", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 60 }), async (actions) => {
      const scene = new Scene();
      try {
        await showsAll(scene, actions);
      } finally {
        for (const { shared } of scene.tabs) shared.close();
      }
      expect(vi.getTimerCount()).toBe(0);
    }),
    { numRuns: 150, examples: [[SLEEPS_WITH_THE_CONNECTION]] },
  );
});

async function showsAll(scene: Scene, actions: readonly Action[]): Promise<void> {
  scene.open();
  for (const { what, at, thenMs } of actions) {
    scene.do(what, at);
    await vi.advanceTimersByTimeAsync(thenMs);
  }
  if (scene.tabs.length === 0) scene.open();
  for (const { tab } of scene.tabs) {
    tab.resume();
    tab.thaw();
  }
  await vi.advanceTimersByTimeAsync(60_000);
  scene.hub.step(0);
  await vi.advanceTimersByTimeAsync(100);
  for (const { store, shared } of scene.tabs) {
    const shown = store.photoIds("j").map((id) => [id, store.photo("j", id)?.progress] as const);
    expect(new Map(shown)).toEqual(scene.hub.progress);
    expect(shared.state.phase).toBe("live");
  }
  expect(scene.backwards).toEqual([]);
  // One connection for all of them.
  expect(scene.hub.lines.size).toBe(1);
}
