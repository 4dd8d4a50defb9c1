import { expect, test } from "vitest";
import { PlainLines } from "../../src/cli/watch/plain.ts";
import { Onlooker } from "../../src/cli/watch/view.ts";
import { ProgressStore } from "../../src/client/index.ts";
import { parseMessage } from "../../src/client/messages.ts";

function photo(seq: number, progress: number, more: Record<string, unknown> = {}): string {
  const base = { type: "upload_progress", photoId: "p", jobId: "j", status: "UPLOADING", attempt: 1 };
  return JSON.stringify({
    ...base,
    progress,
    id: `e-${seq}`,
    bytesTransferred: progress,
    totalBytes: 100,
    ...more,
  });
}

const completed = { type: "upload_completed", status: "COMPLETED" };

function storeOf(...texts: readonly string[]): ProgressStore {
  const store = new ProgressStore();
  apply(store, ...texts);
  return store;
}

function apply(store: ProgressStore, ...texts: readonly string[]): void {
  for (const text of texts) {
    const message = parseMessage(text);
    if (message === null) throw new Error(`not a message: ${text}`);
    store.apply(message);
  }
}

const isFresh = (onlooker: Onlooker, nowMs: number): boolean | undefined =>
  onlooker.look(nowMs)[0]?.photos()[0]?.isFresh;

test("what ended since the last look is fresh for a second", () => {
  const store = storeOf(photo(1, 10));
  const onlooker = new Onlooker(store);
  expect(isFresh(onlooker, 0)).toBe(false);
  apply(store, photo(2, 100, completed));
  expect([100, 600, 1_099, 1_100, 1_200].map((nowMs) => isFresh(onlooker, nowMs))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

test("what had ended at the first look is not fresh, nor is a photo that is tried again", () => {
  const store = storeOf(photo(1, 100, completed));
  const onlooker = new Onlooker(store);
  expect(isFresh(onlooker, 0)).toBe(false);
  apply(store, photo(2, 10, { attempt: 2 }));
  expect(isFresh(onlooker, 100)).toBe(false);
});

test("a job of which only photos were heard is there, too", () => {
  const [view] = new Onlooker(storeOf(photo(1, 10))).look(0);
  expect(view).toMatchObject({ jobId: "j", job: null });
});

test.each(["", "{", "[]", "null", '{"type":"job_progress","jobId":"j"}'])(
  "%j is nothing to show, and no error",
  (text) => {
    expect(parseMessage(text)).toBeNull();
  },
);

test("plain lines: one a change of status and per 10 %", () => {
  const lines = new PlainLines();
  const store = new ProgressStore();
  const told: string[] = [];
  store.events.on("photo", (shown) => {
    const line = lines.photo(shown);
    if (line !== null) told.push(line);
  });
  apply(store, photo(1, 0, { type: "upload_started", fileName: "a\u001b[2Jb.jpg" }));
  for (let seq = 2; seq <= 31; seq += 1) apply(store, photo(seq, seq));
  apply(store, photo(32, 31, { stalled: true }));
  const error = { code: "c", message: "cut\noff" };
  apply(store, photo(33, 31, { type: "upload_failed", status: "FAILED", error }));
  expect(told).toEqual([
    "[....................]   0.0 % j/p a?[2Jb.jpg UPLOADING",
    "[##..................]  10.0 % j/p a?[2Jb.jpg UPLOADING",
    "[####................]  20.0 % j/p a?[2Jb.jpg UPLOADING",
    "[######..............]  30.0 % j/p a?[2Jb.jpg UPLOADING",
    "[######..............]  31.0 % j/p a?[2Jb.jpg UPLOADING (stalled)",
    "[######..............]  31.0 % j/p a?[2Jb.jpg FAILED: cut?off",
  ]);
});
