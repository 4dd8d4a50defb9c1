import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { JobHandle } from "../../src/client/job.ts";
import { type ConnectionState, Session } from "../../src/client/session.ts";
import { SharedSession } from "../../src/client/shared.ts";
import { ProgressStore } from "../../src/client/store.ts";
import { tokensOfOneUser } from "../../src/client/tabs.ts";
import { Scripted } from "../scripted-transport.ts";
import { FakeBrowser, type FakeTab } from "../tabs.ts";

const TIMES = { connectMs: 1_000, minRetryMs: 100, maxRetryMs: 1_000, heartbeatMs: 600_000, climbMs: 20_000 };

/** A tab, with the hub's side of whatever connections it has. */
interface Opened {
  readonly tab: FakeTab;
  readonly hub: Scripted;
  readonly store: ProgressStore;
  readonly shared: SharedSession;
  /** Percents of the photo "p" of the job "j" as they were told. */
  readonly told: (number | null)[];
}

let browser = new FakeBrowser();
const opened: Opened[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  browser = new FakeBrowser();
});

afterEach(() => {
  for (const { shared } of opened.splice(0)) shared.close();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

interface TabOptions {
  readonly name?: Promise<string | null>;
  readonly jobId?: string;
  readonly token?: () => string | Promise<string>;
}

async function openTab(options: TabOptions = {}): Promise<Opened> {
  const [tab, hub, store, told] = [browser.tab(), new Scripted(), new ProgressStore(), [] as Opened["told"]];
  store.events.on("photo", ({ progress }) => told.push(progress));
  const shared = new SharedSession({
    ...{ tabs: tab, store, onState: () => undefined },
    name: options.name ?? Promise.resolve("u"),
    start: (into, onState) =>
      new Session({
        ...{ url: "http://hub", jobId: options.jobId ?? null, store: into, times: TIMES, onState },
        token: options.token ?? (() => "secret"),
        transports: [{ name: "websocket", open: hub.open }],
      }),
  });
  const made = { tab, hub, store, shared, told };
  opened.push(made);
  await settle();
  return made;
}

const settle = () => vi.advanceTimersByTimeAsync(0);

const photo = (seq: number, progress: number, more: object = {}) => ({
  ...{ type: "upload_progress", id: `a-${seq}`, jobId: "j", photoId: "p", status: "UPLOADING", progress },
  ...{ timestamp: "2026-01-01T00:00:00.000Z", bytesTransferred: progress, totalBytes: 100, attempt: 1 },
  ...more,
});
const job = (seq: number, more: object = {}) => ({
  ...{ type: "job_progress", id: `a-${seq}`, jobId: "j", status: "UPLOADING", progress: 10 },
  ...{ timestamp: "2026-01-01T00:00:00.000Z", bytesTransferred: 1, totalBytes: 10, totalsVersion: 1 },
  photos: { total: 1, completed: 0, failed: 0, cancelled: 0, active: 1 },
  ...more,
});
const synced = (seq: number, mode = "resumed") => ({ type: "synced", mode, id: `a-${seq}` });

async function say({ hub }: Opened, ...messages: object[]): Promise<void> {
  for (const message of messages) hub.say(message);
  await settle();
}

/** Two tabs, the first of which leads and is live. */
async function two(): Promise<readonly [Opened, Opened]> {
  const first = await openTab();
  await say(first, photo(1, 10), job(2), synced(2, "snapshot"));
  return [first, await openTab()];
}

const live = { phase: "live", transport: "websocket" };

it("connects once for all, and gives who comes later what there is, and then each change", async () => {
  const [first, second] = await two();
  const third = await openTab();
  expect([second.hub.openings, third.hub.openings]).toEqual([[], []]);
  await say(first, photo(3, 30));
  for (const { store, shared } of [first, second, third]) {
    expect(store.photo("j", "p")?.progress).toBe(30);
    expect([store.jobIds(), store.photoIds("j"), store.lastId]).toEqual([["j"], ["p"], "a-3"]);
    expect(shared.state).toMatchObject(live);
  }
  expect(second.told).toEqual([10, 30]);
});

it("goes on from the last id in another tab when the one that led is closed, or crashes", async () => {
  const [first, second] = await two();
  const third = await openTab();
  await say(first, photo(3, 30));
  first.tab.crash();
  await settle();
  expect(second.hub.last.lastEventId).toBe("a-3");
  expect(third.shared.state.phase).toBe("resuming");
  await say(second, photo(5, 50), synced(5));
  expect(third.store.photo("j", "p")?.progress).toBe(50);
  await say(second, photo(6, 60));
  second.shared.close();
  await settle();
  expect(third.hub.last.lastEventId).toBe("a-6");
  await say(third, synced(6), photo(7, 70));
  expect(third.told).toEqual([10, 30, 50, 60, 70]);
  expect(second.hub.last.isClosed).toBe(true);
});

it("forgets in all tabs what is not in a snapshot, also where one came in the midst of it", async () => {
  const [first, second] = await two();
  await say(first, photo(3, 30, { jobId: "k", photoId: "q" }));
  await say(first, photo(4, 40));
  const third = await openTab();
  await say(first, job(5), synced(5, "snapshot"));
  for (const { store } of [first, second, third]) {
    expect([store.jobIds(), store.photoIds("j")]).toEqual([["j", "k"], ["p"]]);
  }
  first.hub.last.line.ended({ kind: "lost", reason: "closed_1006", afterMs: null });
  await vi.advanceTimersByTimeAsync(200);
  await say(first, photo(6, 60));
  const fourth = await openTab();
  expect(fourth.store.jobIds()).toEqual([]);
  await say(first, job(7), synced(7, "snapshot"));
  for (const { store } of [first, second, third, fourth]) {
    expect([store.jobIds(), store.photo("j", "p")?.progress]).toEqual([["j"], 60]);
  }
});

it("gives the lock up when its page is frozen, and follows when it is back", async () => {
  const [first, second] = await two();
  first.tab.freeze();
  await settle();
  expect(browser.holder()).toBe(second.tab);
  expect(first.hub.last.isClosed).toBe(true);
  await say(second, synced(2), photo(3, 30));
  first.tab.thaw();
  await settle();
  expect(first.store.photo("j", "p")?.progress).toBe(30);
  expect(first.shared.state).toMatchObject(live);
  expect(first.hub.openings).toHaveLength(1);
});

it("takes the lock from one that does not answer, which follows when it is back, and tells nobody what is old", async () => {
  const [first, second] = await two();
  first.tab.suspend();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(browser.holder()).toBe(second.tab);
  await say(second, synced(2), photo(5, 50));
  first.hub.say(photo(3, 30));
  first.hub.say(job(3, { progress: 1 }));
  first.tab.resume();
  await settle();
  expect(second.store.photo("j", "p")?.progress).toBe(50);
  expect([first.store.photo("j", "p")?.progress, first.shared.state.phase]).toEqual([50, "live"]);
  await say(second, photo(6, 60));
  expect(first.told).toEqual([10, 30, 50, 60]);
  expect(second.told).toEqual([10, 50, 60]);
});

it("leaves the lock to one that is quiet and answers", async () => {
  const [first, second] = await two();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(browser.holder()).toBe(first.tab);
  expect(second.hub.openings).toEqual([]);
  expect(second.shared.state).toMatchObject(live);
});

it("does not wait for one that never says anything", async () => {
  const holder = browser.tab();
  void holder.locks.request("u", {}, () => new Promise(() => undefined)).catch(() => undefined);
  await settle();
  const tab = await openTab();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(tab.hub.openings.length).toBeGreaterThan(0);
});

it("takes over from one that has no token", async () => {
  const first = await openTab({ token: () => Promise.reject(new Error("signed out")) });
  const second = await openTab();
  expect(browser.holder()).toBe(first.tab);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(second.hub.openings.length).toBeGreaterThan(0);
});

it("shows the others how the connection is, and wakes it when somebody looks at one of them", async () => {
  const page = new EventTarget();
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  const [first, second] = await two();
  first.hub.last.line.ended({ kind: "lost", reason: "closed_1006", afterMs: 60_000 });
  await settle();
  expect(second.shared.state).toEqual(first.shared.state);
  expect(second.shared.state).toMatchObject({ phase: "resuming", reason: "closed_1006" });
  page.dispatchEvent(new Event("online"));
  await settle();
  expect(first.hub.openings).toHaveLength(2);
  vi.unstubAllGlobals();
});

it("never shows two users one another's, and sends no token", async () => {
  const mine = await openTab({ name: Promise.resolve("mine") });
  const theirs = await openTab({ name: Promise.resolve("theirs") });
  await openTab({ name: Promise.resolve("theirs") });
  await say(mine, photo(1, 10), synced(1));
  await say(theirs, photo(1, 20, { jobId: "k" }), synced(1));
  expect([mine.store.jobIds(), theirs.store.jobIds()]).toEqual([["j"], ["k"]]);
  expect(browser.posted.length).toBeGreaterThan(0);
  expect(browser.posted.join("")).not.toContain("secret");
});

it("has a connection of its own where nobody knows whose the token is", async () => {
  const tabs = [
    await openTab({ name: Promise.resolve(null) }),
    await openTab({ name: new Promise(() => undefined) }),
  ];
  await vi.advanceTimersByTimeAsync(10_000);
  expect(tabs.map(({ hub }) => hub.openings.length > 0)).toEqual([true, true]);
  expect(browser.posted).toEqual([]);
});

it("ends for all with the one job, and each knows how it ended", async () => {
  const tabs: Opened[] = [];
  for (let at = 0; at < 3; at += 1) tabs.push(await openTab({ jobId: "j" }));
  const [first] = tabs;
  if (first === undefined) throw new Error("no tab");
  await say(first, synced(0));
  const ends = tabs.map(({ store }) => new JobHandle("j", store, () => () => undefined).done());
  await say(first, photo(1, 100), job(2, { type: "job_completed", status: "COMPLETED", progress: 100 }));
  for (const end of ends) expect(await end).toMatchObject({ status: "COMPLETED", hasEnded: true });
  for (const { shared } of tabs) expect(shared.state).toMatchObject({ phase: "closed", reason: "job_ended" });
});

it("leaves each tab to its own token", async () => {
  const [first, second] = await two();
  first.hub.last.line.ended({ kind: "unauthorized", reason: "token_expired" });
  await vi.advanceTimersByTimeAsync(100);
  first.hub.last.line.ended({ kind: "unauthorized", reason: "token_expired" });
  await settle();
  expect(first.shared.state).toMatchObject({ phase: "closed", reason: "token_expired" });
  expect(second.hub.last.lastEventId).toBe("a-2");
  await say(second, synced(2));
  expect(second.shared.state).toMatchObject(live);
});

it("leaves nothing behind when the last one is closed", async () => {
  const [first, second] = await two();
  first.shared.close();
  second.shared.close();
  await settle();
  expect(browser.holder()).toBe(null);
  expect([first, second].flatMap(({ tab }) => [...tab.channels])).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
  const states: ConnectionState["phase"][] = [first.shared.state.phase, second.shared.state.phase];
  expect(states).toEqual(["closed", "closed"]);
});

it("stays closed where it is closed by whoever is told of a photo", async () => {
  const [first, second] = await two();
  second.store.events.on("photo", () => second.shared.close());
  await say(first, photo(3, 30), photo(4, 40));
  expect(second.shared.state.phase).toBe("closed");
});

it("gives the first token once, and none of another user", async () => {
  const jwt = (claims: object) => `e30.${btoa(JSON.stringify(claims))}.`;
  const given = [jwt({ sub: "u" }), jwt({ sub: "u", jti: "2" }), jwt({ sub: "v" })];
  const { user, token } = tokensOfOneUser(() => given.shift() ?? "none");
  expect(await user).toBe('["","u"]');
  expect([await token(), await token()]).toEqual([jwt({ sub: "u" }), jwt({ sub: "u", jti: "2" })]);
  await expect(token()).rejects.toThrow("another user's");
  expect(await tokensOfOneUser(() => "no JWT").user).toBe(null);
  expect(await tokensOfOneUser(() => Promise.reject(new Error("away"))).user).toBe(null);
});
