import { expect, test } from "vitest";
import { type HubMessage, parseMessage } from "../../src/cli/watch/message.ts";
import { PlainLines } from "../../src/cli/watch/plain.ts";
import { ProgressView } from "../../src/cli/watch/view.ts";

function message(fields: Record<string, unknown>): HubMessage {
  const parsed = parseMessage(JSON.stringify(fields));
  if (parsed === null) throw new Error(`not a message: ${JSON.stringify(fields)}`);
  return parsed;
}

function photo(seq: number, progress: number, more: Record<string, unknown> = {}): HubMessage {
  const base = { type: "upload_progress", photoId: "p", jobId: "j", status: "UPLOADING", attempt: 1 };
  return message({ ...base, progress, id: `e-${seq}`, bytesTransferred: progress, totalBytes: 100, ...more });
}

function job(seq: number, progress: number, more: Record<string, unknown> = {}): HubMessage {
  const photos = { total: 1, completed: 0, failed: 0, cancelled: 0, active: 1 };
  const base = { type: "job_progress", jobId: "j", status: "UPLOADING", photos };
  return message({ ...base, progress, id: `e-${seq}`, bytesTransferred: progress, totalBytes: 100, ...more });
}

const shownPhoto = (view: ProgressView): number | null | undefined =>
  view.job("j")?.photos.get("p")?.last.progress;

test("an older message of the same epoch never replaces a newer one", () => {
  const view = new ProgressView();
  expect(view.apply(photo(10, 50), 0)).toBe(true);
  expect(view.apply(photo(9, 40), 0)).toBe(false);
  expect(shownPhoto(view)).toBe(50);
  expect(view.apply(job(12, 50), 0)).toBe(true);
  expect(view.apply(job(11, 40), 0)).toBe(false);
  expect(view.job("j")?.last?.progress).toBe(50);
});

test("numbers are compared as numbers, not as text", () => {
  const view = new ProgressView();
  view.apply(photo(9, 10), 0);
  view.apply(photo(10, 20), 0);
  expect(shownPhoto(view)).toBe(20);
});

test("the same id may bring other bytes: a replayed message is made of the present state", () => {
  const view = new ProgressView();
  view.apply(photo(5, 10), 0);
  expect(view.apply(photo(5, 30), 0)).toBe(true);
  expect(shownPhoto(view)).toBe(30);
});

test("another epoch is what the hub knows now, whatever its numbers", () => {
  const view = new ProgressView();
  view.apply(photo(1_000, 90), 0);
  expect(view.apply(photo(0, 5, { id: "f-1" }), 0)).toBe(true);
  expect(shownPhoto(view)).toBe(5);
});

test("after a snapshot, a job that was not in it is forgotten; after a resume it stays", () => {
  const view = new ProgressView();
  view.opened();
  view.apply(job(1, 10), 0);
  view.apply(job(2, 10, { jobId: "gone" }), 0);
  view.apply(message({ type: "synced", mode: "snapshot", id: "e-2" }), 0);
  expect(view.jobs.map(({ jobId }) => jobId)).toEqual(["j", "gone"]);

  view.opened();
  view.apply(message({ type: "synced", mode: "resumed", id: "e-2" }), 0);
  expect(view.jobs).toHaveLength(2);

  view.opened();
  view.apply(job(3, 20), 0);
  view.apply(message({ type: "synced", mode: "snapshot", id: "e-3" }), 0);
  expect(view.jobs.map(({ jobId }) => jobId)).toEqual(["j"]);
});

test("what was heard on a connection that broke before synced is not part of the next snapshot", () => {
  const view = new ProgressView();
  view.opened();
  view.apply(job(1, 10), 0);
  view.opened();
  view.apply(message({ type: "synced", mode: "snapshot", id: null }), 0);
  expect(view.jobs).toEqual([]);
});

test("of many ended jobs the newest fifty stay, and every one that runs", () => {
  const view = new ProgressView();
  view.apply(job(1, 10, { jobId: "running" }), 0);
  for (let seq = 2; seq < 202; seq += 1) {
    view.apply(job(seq, 100, { jobId: `j${seq}`, type: "job_completed", status: "COMPLETED" }), 0);
  }
  expect(view.jobs).toHaveLength(51);
  expect(view.jobs.map(({ jobId }) => jobId).slice(0, 2)).toEqual(["running", "j152"]);
});

test("an ending seen live says when; one from a snapshot does not", () => {
  const view = new ProgressView();
  view.apply(photo(1, 10), 5);
  view.apply(photo(2, 100, { type: "upload_completed", status: "COMPLETED" }), 7);
  expect(view.job("j")?.photos.get("p")?.settledAtMs).toBe(7);
  const late = new ProgressView();
  late.apply(photo(2, 100, { type: "upload_completed", status: "COMPLETED" }), 7);
  expect(late.job("j")?.photos.get("p")?.settledAtMs).toBeNull();
});

test("a file name is kept though only the first message tells it", () => {
  const view = new ProgressView();
  view.apply(photo(1, 0, { type: "upload_started", fileName: "beach.jpg" }), 0);
  view.apply(photo(2, 10), 0);
  expect(view.job("j")?.photos.get("p")?.fileName).toBe("beach.jpg");
});

test.each(["", "{", "[]", "null", '{"type":"heartbeat"}', '{"type":"job_progress","jobId":"j"}'])(
  "%j is nothing to show, and no error",
  (text) => {
    expect(parseMessage(text)).toBeNull();
  },
);

test("plain lines: one a change of status and per 10 %", () => {
  const lines = new PlainLines();
  const view = new ProgressView();
  const told: string[] = [];
  const tell = (next: HubMessage): void => {
    view.apply(next, 0);
    const shown = view.job("j")?.photos.get("p");
    const line = shown === undefined ? null : lines.photo(shown);
    if (line !== null) told.push(line);
  };
  tell(photo(1, 0, { type: "upload_started", fileName: "a\u001b[2Jb.jpg" }));
  for (let seq = 2; seq <= 31; seq += 1) tell(photo(seq, seq));
  tell(photo(32, 31, { stalled: true }));
  tell(photo(33, 31, { type: "upload_failed", status: "FAILED", error: { code: "c", message: "cut\noff" } }));
  expect(told).toEqual([
    "[....................]   0.0 % j/p a?[2Jb.jpg UPLOADING",
    "[##..................]  10.0 % j/p a?[2Jb.jpg UPLOADING",
    "[####................]  20.0 % j/p a?[2Jb.jpg UPLOADING",
    "[######..............]  30.0 % j/p a?[2Jb.jpg UPLOADING",
    "[######..............]  31.0 % j/p a?[2Jb.jpg UPLOADING (stalled)",
    "[######..............]  31.0 % j/p a?[2Jb.jpg FAILED: cut?off",
  ]);
});
