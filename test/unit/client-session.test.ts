import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type ConnectionState, Session, type SessionOptions } from "../../src/client/session.ts";
import { ProgressStore } from "../../src/client/store.ts";
import { Scripted } from "../scripted-transport.ts";

const SYNCED = { type: "synced", mode: "resumed", id: "a-7" };
const TIMES = { connectMs: 1_000, minRetryMs: 100, maxRetryMs: 1_000, heartbeatMs: 5_000, climbMs: 20_000 };
let [first, second] = [new Scripted(), new Scripted()];
let session: Session | null = null;
let tokens = 0;
const states: ConnectionState[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  [first, second, tokens] = [new Scripted(), new Scripted(false), 0];
  states.length = 0;
});

afterEach(() => {
  session?.close();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function start(options: Partial<SessionOptions> = {}): Promise<Session> {
  session = new Session({
    ...{ url: "http://hub", jobId: null, store: new ProgressStore(), times: TIMES },
    transports: [
      { name: "websocket", open: first.open },
      { name: "sse", open: second.open },
    ],
    token: () => {
      tokens += 1;
      return `token-${tokens}`;
    },
    onState: (state) => states.push(state),
    ...options,
  });
  await vi.advanceTimersByTimeAsync(0);
  return session;
}

it("is live when it was told all, and comes back after the last id with a fresh token", async () => {
  const { state } = await start();
  expect(state).toMatchObject({ phase: "connecting", transport: "websocket" });
  first.say(SYNCED);
  expect(session?.state).toEqual({ phase: "live", transport: "websocket", reason: null, retryAtMs: null });
  first.last.line.ended({ kind: "lost", reason: "closed_1006", afterMs: null });
  expect(session?.state).toMatchObject({
    phase: "resuming",
    reason: "closed_1006",
    retryAtMs: Date.now() + 50,
  });
  await vi.advanceTimersByTimeAsync(50);
  expect(first.last).toMatchObject({ token: "token-2", lastEventId: "a-7" });
});

it("comes back when the hub says, and not before", async () => {
  await start();
  first.say(SYNCED);
  first.say({ type: "reconnect", afterMs: 7_000 });
  first.last.line.ended({ kind: "lost", reason: "closed_1012", afterMs: null });
  await vi.advanceTimersByTimeAsync(6_900);
  expect(first.openings).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(first.openings).toHaveLength(2);
});

it("waits longer and longer, and from the beginning once it was live for a while", async () => {
  const times = { ...TIMES, heartbeatMs: 20_000 };
  await start({ transports: [{ name: "websocket", open: first.open }], times });
  const waits: number[] = [];
  for (let failure = 0; failure < 6; failure += 1) {
    first.last.line.ended({ kind: "blocked", reason: "closed_1006" });
    const leftMs = (session?.state.retryAtMs ?? 0) - Date.now();
    waits.push(leftMs);
    await vi.advanceTimersByTimeAsync(leftMs);
  }
  expect(waits).toEqual([50, 100, 200, 400, 500, 500]);
  first.say(SYNCED);
  first.last.line.ended({ kind: "lost", reason: "closed_1006", afterMs: null });
  expect((session?.state.retryAtMs ?? 0) - Date.now()).toBe(500);
  await vi.advanceTimersByTimeAsync(500);
  first.say(SYNCED);
  await vi.advanceTimersByTimeAsync(10_001);
  first.last.line.ended({ kind: "lost", reason: "closed_1006", afterMs: null });
  expect((session?.state.retryAtMs ?? 0) - Date.now()).toBe(50);
});

it("takes twice a heartbeat's silence for a dead line", async () => {
  await start();
  first.say(SYNCED);
  await vi.advanceTimersByTimeAsync(9_000);
  first.say({ type: "heartbeat" });
  await vi.advanceTimersByTimeAsync(9_900);
  expect(first.last.isClosed).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  expect(first.last.isClosed || first.openings.length > 1).toBe(true);
  expect(states.some(({ reason }) => reason === "silence")).toBe(true);
});

it("waits longer for a hub whose heartbeat is slower than was thought, and no longer once it is as fast", async () => {
  await start({ transports: [{ name: "websocket", open: first.open }] });
  first.say(SYNCED);
  const [beat, silence] = [{ type: "heartbeat" }, { reason: "silence" }];
  await vi.advanceTimersByTimeAsync(10_500);
  expect(states).toContainEqual(expect.objectContaining(silence));
  expect(first.openings).toHaveLength(2);
  first.say(SYNCED);
  for (let at = 0; at < 5; at += 1) {
    await vi.advanceTimersByTimeAsync(12_000);
    first.say(beat);
  }
  expect(first.openings).toHaveLength(2);
  for (let at = 0; at < 2; at += 1) {
    await vi.advanceTimersByTimeAsync(5_000);
    first.say(beat);
  }
  await vi.advanceTimersByTimeAsync(10_500);
  expect(first.openings).toHaveLength(3);
});

it("never waits longer than four times", async () => {
  await start({ transports: [{ name: "websocket", open: first.open }] });
  const livedMs: number[] = [];
  for (let line = 0; line < 4; line += 1) {
    first.say(SYNCED);
    const [beganAtMs, { length }] = [Date.now(), first.openings];
    while (!first.last.isClosed) await vi.advanceTimersByTimeAsync(500);
    livedMs.push(Date.now() - beganAtMs);
    while (first.openings.length === length) await vi.advanceTimersByTimeAsync(10);
  }
  expect(livedMs).toEqual([10_000, 20_000, 40_000, 40_000]);
});

it("falls down the list where a way is blocked or silent, and climbs back beside the live line", async () => {
  await start();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(second.openings).toHaveLength(1);
  second.say(SYNCED);
  expect(session?.state).toMatchObject({ phase: "live", transport: "sse" });
  for (let at = 0; at < 4; at += 1) {
    await vi.advanceTimersByTimeAsync(5_000);
    second.say({ type: "heartbeat" });
  }
  expect(first.openings).toHaveLength(2);
  expect(second.last.isClosed).toBe(false);
  first.say(SYNCED);
  expect(session?.state).toMatchObject({ phase: "live", transport: "websocket" });
  expect(second.last.isClosed).toBe(true);
});

it("takes the next token on the line where it can, and on another where it can't", async () => {
  await start();
  first.say(SYNCED);
  first.say({ type: "token_expiring", expiresIn: 30 });
  await vi.advanceTimersByTimeAsync(0);
  expect(first.last.refreshed).toEqual(["token-2"]);
  expect(first.openings).toHaveLength(1);
  session?.close();
  await start({ transports: [{ name: "sse", open: second.open }] });
  second.say(SYNCED);
  second.say({ type: "token_expiring", expiresIn: 30 });
  await vi.advanceTimersByTimeAsync(0);
  expect(second.openings.map(({ isClosed }) => isClosed)).toEqual([true, false]);
});

it("asks for a fresh token once where one is not taken, and then gives up", async () => {
  await start();
  first.last.line.ended({ kind: "unauthorized", reason: "token_expired" });
  await vi.advanceTimersByTimeAsync(50);
  expect(first.last.token).toBe("token-2");
  first.last.line.ended({ kind: "unauthorized", reason: "token_invalid" });
  expect(session?.state).toEqual({
    phase: "closed",
    transport: null,
    reason: "token_invalid",
    retryAtMs: null,
  });
});

it("goes on to the next way where one opens and is cut off before it is live, twice", async () => {
  await start();
  for (let loss = 0; loss < 2; loss += 1) {
    first.last.line.heard();
    first.last.line.ended({ kind: "lost", reason: "closed_1006", afterMs: null });
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(second.openings).toHaveLength(1);
});

it("stays closed where it is closed by whoever is told of a state, or of a message", async () => {
  const store = new ProgressStore();
  await start({ store, onState: ({ phase }) => phase === "resuming" && session?.close() });
  first.say(SYNCED);
  first.last.line.ended({ kind: "lost", reason: "closed_1006", afterMs: null });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(first.openings).toHaveLength(1);
  expect(session?.state.phase).toBe("closed");

  await start({ store });
  store.events.on("job", () => session?.close());
  const photos = { total: 0, completed: 0, failed: 0, cancelled: 0, active: 0 };
  first.say({ type: "job_progress", id: "a-1", jobId: "j", status: "UPLOADING", photos });
  first.say(SYNCED);
  expect(session?.state.phase).toBe("closed");
});

it("opens no other line for a token that it has already, or that is not to be had", async () => {
  await start({ transports: [{ name: "sse", open: second.open }], token: () => "the same" });
  second.say(SYNCED);
  second.say({ type: "token_expiring", expiresIn: 30 });
  await vi.advanceTimersByTimeAsync(0);
  expect(second.openings).toHaveLength(1);
  session?.close();
  await start({ token: () => Promise.reject(new Error("away")) });
  expect(session?.state).toMatchObject({ phase: "connecting", reason: "token_unavailable" });
});

it("waits for a token that is not to be had, and blames no transport for it", async () => {
  let isThere = false;
  const asked: number[] = [];
  await start({
    token: () => {
      asked.push(Date.now());
      return isThere ? "a token" : Promise.reject(new Error("away"));
    },
  });
  await vi.advanceTimersByTimeAsync(20_000);
  expect(second.openings).toEqual([]);
  // With a back-off, and not as often as it can.
  expect(asked.length).toBeGreaterThan(2);
  expect(asked.length).toBeLessThan(50);
  isThere = true;
  await vi.advanceTimersByTimeAsync(500);
  expect([first.openings.length, second.openings.length]).toEqual([1, 0]);
});

it("opens another line when the network is back, though the one that is open looks alive", async () => {
  const page = new EventTarget();
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  await start();
  first.say(SYNCED);
  page.dispatchEvent(new Event("pageshow"));
  await vi.advanceTimersByTimeAsync(0);
  expect(first.openings).toHaveLength(1);
  page.dispatchEvent(new Event("online"));
  await vi.advanceTimersByTimeAsync(0);
  expect(first.openings).toHaveLength(2);
  expect(session?.state).toMatchObject({ phase: "resuming", reason: "network_changed" });
  vi.unstubAllGlobals();
});

it("begins the stream of a job that nobody has told of at its beginning", async () => {
  await start({ jobId: "j" });
  first.say(SYNCED);
  first.last.line.ended({ kind: "lost", reason: "closed_1006", afterMs: null });
  await vi.advanceTimersByTimeAsync(100);
  expect(first.last.lastEventId).toBe(null);
});

it("wakes at once when the network is back", async () => {
  const page = new EventTarget();
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  await start();
  first.say(SYNCED);
  first.last.line.ended({ kind: "lost", reason: "closed_1006", afterMs: 60_000 });
  page.dispatchEvent(new Event("online"));
  await vi.advanceTimersByTimeAsync(0);
  expect(first.openings).toHaveLength(2);
  first.say(SYNCED);
  // As after a laptop's sleep: the clock has moved, and no timer has.
  vi.setSystemTime(Date.now() + 3_600_000);
  page.dispatchEvent(new Event("online"));
  await vi.advanceTimersByTimeAsync(0);
  expect(first.openings).toHaveLength(3);
  vi.unstubAllGlobals();
});

it("comes back at once when an app that is in the foreground again says so", async () => {
  await start();
  first.say(SYNCED);
  session?.wake();
  await vi.advanceTimersByTimeAsync(0);
  expect(first.openings).toHaveLength(1);
  first.last.line.ended({ kind: "lost", reason: "closed_1006", afterMs: 60_000 });
  session?.wake();
  await vi.advanceTimersByTimeAsync(0);
  expect(first.openings).toHaveLength(2);
});

it("gives every message as it was received, before the store has it", async () => {
  const store = new ProgressStore();
  const received: string[] = [];
  const onMessage = (text: string): void => void received.push(`${store.lastId} ${text}`);
  await start({ store, onMessage });
  first.say({ type: "of a later version" });
  first.say(SYNCED);
  first.say({ type: "heartbeat" });
  expect(received).toEqual([
    'null {"type":"of a later version"}',
    `null ${JSON.stringify(SYNCED)}`,
    'a-7 {"type":"heartbeat"}',
  ]);
});

it("ends with its job, but not before what follows it in the first batch", async () => {
  const photos = { total: 1, completed: 1, failed: 0, cancelled: 0, active: 0 };
  const job = { type: "job_completed", id: "a-1", jobId: "j", status: "COMPLETED", photos };
  await start({ jobId: "j" });
  first.say(job);
  expect(session?.state.phase).toBe("connecting");
  first.say(SYNCED);
  expect(session?.state).toMatchObject({ phase: "closed", reason: "job_ended" });
  await start({ jobId: "j" });
  first.say(SYNCED);
  first.say(job);
  expect(session?.state).toMatchObject({ phase: "closed", reason: "job_ended" });
});

it("closes for good where coming back is pointless, and opens nothing any more", async () => {
  await start();
  first.last.line.ended({ kind: "over", reason: "closed_4429" });
  expect(session?.state).toMatchObject({ phase: "closed", reason: "closed_4429" });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(first.openings).toHaveLength(1);
});
