import { expect, it } from "vitest";
import type { OutMessage, Page, ReadQuery, SyncMode } from "../../src/engine/contract.ts";
import { Feed } from "../../src/engine/feed.ts";
import { createEngine, MINUTE_MS, Reader, settle } from "../engine-harness.ts";
import { event } from "../events.ts";

const message = (seq: number, jobId = "j"): OutMessage => ({
  seq,
  id: `e-${seq}`,
  type: "job_progress",
  jobId,
  json: "{}",
  bytes: 2,
  eventAtMs: 0,
});

/** A feed whose pages are given by hand, and what it did with them. */
function scripted(jobId: string | null = null) {
  const queries: ReadQuery[] = [];
  const log: string[] = [];
  let give: ((page: Page) => void)[] = [];
  const feed = new Feed(
    (query) => {
      queries.push(query);
      return new Promise((resolve) => give.push(resolve));
    },
    "u",
    { jobId, lastEventId: null },
    {
      send(messages) {
        log.push(...messages.map(({ seq }) => String(seq)));
        return true;
      },
      synced: (mode: SyncMode, id) => void log.push(`${mode} ${id}`),
      jobEnded: () => undefined,
      failed: (error) => expect.fail(String(error)),
    },
    () => undefined,
  );
  const page = async (head: number, messages: readonly OutMessage[] = [], seq = head) => {
    const [next, ...rest] = give;
    give = rest;
    next?.({
      messages,
      next: { kind: "after", epoch: "e", seq, mode: "resumed" },
      mode: "resumed",
      begins: false,
      head,
      headId: `e-${head}`,
      isNextKnown: head > 0,
      done: seq === head,
      job: null,
    });
    await settle();
  };
  feed.start();
  return { feed, queries, log, page };
}

it("drops what comes live at or below where it stands", async () => {
  const { feed, log, page } = scripted();
  await page(5, [message(5)]);
  feed.push("u", [message(4), message(5)]);
  feed.push("u", [message(5), message(6)]);
  feed.push("u", [message(7)]);
  expect(log).toEqual(["5", "resumed e-5", "6", "7"]);
  const oneJob = scripted("j");
  await oneJob.page(5);
  oneJob.feed.push("u", [message(5), message(6, "k"), message(7)]);
  oneJob.feed.push("u", [message(6)]);
  expect(oneJob.log).toEqual(["resumed e-5", "7"]);
});

it("told to read again, reads from where it stands, and says so", async () => {
  const { feed, queries, log, page } = scripted();
  await page(5, [message(5)]);
  feed.push("u", [message(6)]);
  feed.resync();
  feed.push("u", [message(8)]);
  await page(8, [message(7), message(8)]);
  expect(queries.at(-1)?.from).toEqual({ kind: "after", epoch: "e", seq: 6, mode: "resumed" });
  expect(log).toEqual(["5", "resumed e-5", "6", "7", "8", "resumed e-8"]);
});

it("reads again what comes in another epoch, whatever its numbers", async () => {
  const { feed, queries, log, page } = scripted();
  await page(5, [message(5)]);
  feed.push("u", [{ ...message(7), id: "f-7" }]);
  expect(queries.at(-1)?.from).toEqual({ kind: "after", epoch: "e", seq: 5, mode: "resumed" });
  expect(log).toEqual(["5", "resumed e-5"]);
});

it("reads what was missed where a live message is not the next, and else reads nothing", async () => {
  const { feed, queries, log, page } = scripted();
  await page(5, [message(5)]);
  feed.push("u", [message(6), message(7)]);
  feed.push("u", [message(8)]);
  expect(queries).toHaveLength(1);
  feed.push("u", [message(10), message(11)]);
  expect(queries.at(-1)?.from).toEqual({ kind: "after", epoch: "e", seq: 8, mode: "resumed" });
  await page(11, [message(9), message(10), message(11)]);
  expect(log).toEqual(["5", "resumed e-5", "6", "7", "8", "9", "10", "11", "resumed e-11"]);
  const first = scripted();
  await first.page(0);
  first.feed.push("u", [message(50)]);
  first.feed.push("u", [message(51)]);
  expect(first.queries).toHaveLength(1);
  const oneJob = scripted("j");
  await oneJob.page(5);
  oneJob.feed.push("u", [message(6, "k")]);
  oneJob.feed.push("u", [message(7)]);
  expect(oneJob.queries).toHaveLength(1);
});

it("held while numbers are taken back, reads once when it goes on, and rests", async () => {
  let [epoch, head, reads, synced, takes] = ["old", 100, 0, 0, true];
  const feed = new Feed(
    async () => {
      reads += 1;
      if (reads > 50) return new Promise(() => undefined);
      const next = { kind: "after" as const, epoch, seq: head, mode: "resumed" as const };
      const rest = { mode: "resumed" as const, begins: false, isNextKnown: true, done: true, job: null };
      return { messages: [], next, head, headId: `${epoch}-${head}`, ...rest };
    },
    "u",
    { jobId: null, lastEventId: null },
    {
      send: () => takes,
      synced: () => {
        synced += 1;
      },
      jobEnded: () => undefined,
      failed: (error) => expect.fail(String(error)),
    },
    () => undefined,
  );
  feed.start();
  await settle();
  takes = false;
  feed.push("u", [{ ...message(101), id: "old-101" }]);
  feed.push("u", [{ ...message(102), id: "old-102" }]);
  // A fail-over to a replica that lacks both.
  epoch = "new";
  feed.push("u", [{ ...message(101), id: "new-101" }]);
  takes = true;
  feed.resume();
  await settle();
  expect([reads, synced]).toEqual([2, 2]);
});

it("told so while it reads, takes no page as the last that may have been made before", async () => {
  const { feed, queries, log, page } = scripted();
  feed.push("u", [message(9)]);
  feed.resync();
  await page(5, [message(5)]);
  expect(log).toEqual(["5"]);
  // What it heard before is what the second page tells, whatever its number.
  await page(6, [message(6)]);
  expect(log).toEqual(["5", "6", "resumed e-6"]);
  expect(queries).toHaveLength(2);
});

it("told so when closed, does nothing", async () => {
  const { feed, queries, page } = scripted();
  await page(5);
  feed.close();
  feed.resync();
  await settle();
  expect(queries).toHaveLength(1);
});

it("sets a snapshot off from what came before it, so that a client counts only its own jobs to it", async () => {
  const { engine, clock } = createEngine({ retentionMs: MINUTE_MS, recentMs: MINUTE_MS });
  const slow = new Reader(engine, "u");
  await settle();
  slow.capacity = 1;
  await engine.publish([event.started({ jobId: "k" })]);
  await engine.publish([event.created({ jobId: "gone", photoCount: 1 }), event.completed({ jobId: "gone" })]);
  const [last] = slow.sent.slice(-1);
  await clock.advance(2 * MINUTE_MS);
  slow.resume();
  await settle();
  expect(slow.syncs.map(({ mode }) => mode)).toEqual(["snapshot", "resumed", "snapshot"]);
  expect(slow.syncs[1]?.id).toBe(last?.id);
  const snapshot = slow.messages.slice(slow.syncs[1]?.after);
  expect(new Set(snapshot.map(({ jobId }) => jobId))).toEqual(new Set(["k"]));
});

it.each(["resumed", "snapshot"] as const)(
  "a place above the head, or in another epoch (%s), is lost",
  async (mode) => {
    const { engine, clock } = createEngine();
    await engine.publish([event.started()]);
    const { next } = await engine.read({
      userId: "u",
      jobId: null,
      from: { kind: "start", lastEventId: null },
    });
    const at = { kind: "after", mode, asOfMs: clock.monotonicMs() } as const;
    const above = { ...at, epoch: next.epoch, seq: Number.MAX_SAFE_INTEGER };
    const elsewhere = { ...at, epoch: `${next.epoch}x`, seq: next.seq };
    for (const from of [above, elsewhere]) {
      const page = await engine.read({ userId: "u", jobId: null, from });
      expect(page).toMatchObject({ mode: "snapshot", begins: true, done: true });
      expect(page.messages).toHaveLength(2);
    }
  },
);
