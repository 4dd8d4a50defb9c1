import { describe, expect, it, vi } from "vitest";
import { type HubMessage, parseMessage } from "../../src/client/messages.ts";
import { ProgressStore } from "../../src/client/store.ts";

const photo = (seq: number, progress: number, more: object = {}): HubMessage =>
  message({
    ...{ type: "upload_progress", id: `a-${seq}`, jobId: "j", photoId: "p", status: "UPLOADING", progress },
    ...{ timestamp: "2026-01-01T00:00:00.000Z", bytesTransferred: progress, totalBytes: 100, attempt: 1 },
    ...more,
  });
const job = (seq: number, more: object = {}): HubMessage =>
  message({
    ...{
      type: "job_progress",
      id: `a-${seq}`,
      jobId: "j",
      status: "UPLOADING",
      progress: 10,
      totalsVersion: 1,
    },
    ...{ timestamp: "2026-01-01T00:00:00.000Z", bytesTransferred: 1, totalBytes: 10 },
    photos: { total: 1, completed: 0, failed: 0, cancelled: 0, active: 1 },
    ...more,
  });
const synced = (mode: "snapshot" | "resumed", id: string): HubMessage => ({ type: "synced", mode, id });

function message(fields: object): HubMessage {
  const parsed = parseMessage(JSON.stringify(fields));
  if (parsed === null) throw new Error(`no message: ${JSON.stringify(fields)}`);
  return parsed;
}

function told(store: ProgressStore) {
  const calls = { jobs: 0, job: 0, photo: 0 };
  store.onJobs(() => {
    calls.jobs += 1;
  });
  store.onJob("j", () => {
    calls.job += 1;
  });
  store.onPhoto("j", "p", () => {
    calls.photo += 1;
  });
  return calls;
}

describe("the store of the SDK", () => {
  it("shows the last of each photo and job, and never an older one", () => {
    const store = new ProgressStore();
    for (const one of [
      photo(1, 10, { type: "upload_started", fileName: "a.jpg" }),
      photo(4, 40),
      photo(3, 30),
      job(5),
      job(2),
    ])
      store.apply(one);
    expect(store.photo("j", "p")).toMatchObject({ progress: 40, fileName: "a.jpg", hasEnded: false });
    expect(store.job("j")).toMatchObject({ progress: 10, hasEnded: false });
    expect(store.lastId).toBe("a-5");
    expect([store.jobIds(), store.photoIds("j")]).toEqual([["j"], ["p"]]);
  });

  it("gives the same objects as long as nothing of them changes", () => {
    const store = new ProgressStore();
    for (const one of [photo(1, 10), photo(2, 20, { photoId: "q" }), job(3)]) store.apply(one);
    const before = [store.jobIds(), store.photoIds("j"), store.job("j"), store.photo("j", "p")];
    store.apply(photo(4, 30, { photoId: "q" }));
    expect(
      [store.jobIds(), store.photoIds("j"), store.job("j"), store.photo("j", "p")].every(
        (one, at) => one === before[at],
      ),
    ).toBe(true);
  });

  it("keeps and tells nothing where a message comes again, in a snapshot, say", () => {
    const store = new ProgressStore();
    const past = [photo(1, 10, { type: "upload_started", fileName: "a.jpg" }), job(2)];
    for (const one of past) store.apply(one);
    const before = [store.job("j"), store.photo("j", "p")];
    const seen: unknown[] = [];
    store.events.on("photo", (one) => seen.push(one));
    store.events.on("job", (one) => seen.push(one));
    store.opened();
    for (const one of past) store.apply(one);
    store.apply(synced("snapshot", "a-2"));
    expect(seen).toEqual([]);
    expect([store.job("j") === before[0], store.photo("j", "p") === before[1]]).toEqual([true, true]);
  });

  it("tells of 500 messages once, when all that was told of the past has come", () => {
    vi.useFakeTimers();
    const store = new ProgressStore();
    const calls = told(store);
    store.opened();
    for (let seq = 1; seq <= 500; seq += 1) store.apply(photo(seq, seq / 10));
    store.apply(job(501));
    expect(calls).toEqual({ jobs: 0, job: 0, photo: 0 });
    store.apply(synced("snapshot", "a-501"));
    expect(calls).toEqual({ jobs: 1, job: 1, photo: 1 });
    store.apply(photo(502, 60));
    store.apply(photo(503, 61));
    vi.advanceTimersByTime(20);
    expect(calls).toEqual({ jobs: 1, job: 1, photo: 2 });
    vi.useRealTimers();
  });

  it("forgets what is not in a snapshot, and tells of it", () => {
    const store = new ProgressStore();
    store.apply(photo(1, 10));
    store.apply(job(2));
    store.flush();
    const calls = told(store);
    store.opened();
    store.apply({ ...photo(1, 5), id: "b-1", jobId: "k" } as HubMessage);
    store.apply(synced("snapshot", "b-1"));
    expect([store.jobIds(), store.job("j"), store.photo("j", "p"), store.lastId]).toEqual([
      ["k"],
      null,
      null,
      "b-1",
    ]);
    expect(calls).toEqual({ jobs: 1, job: 1, photo: 1 });
  });

  it("forgets a photo of a job under way that is not in a snapshot, and resumes from none that did not come whole", () => {
    const store = new ProgressStore();
    for (const one of [photo(1, 10), photo(2, 20, { photoId: "q" }), job(3), synced("resumed", "a-3")])
      store.apply(one);
    store.opened();
    for (const one of [
      { ...photo(1, 5), id: "b-1" },
      { ...job(2), id: "b-2" },
    ])
      store.apply(one as HubMessage);
    expect(store.lastId).toBe("a-3");
    store.apply(synced("snapshot", "b-2"));
    expect([store.photoIds("j"), store.photo("j", "q"), store.lastId]).toEqual([["p"], null, "b-2"]);
  });

  it("keeps all of them where the hub resumes", () => {
    const store = new ProgressStore();
    store.apply(photo(1, 10));
    store.opened();
    store.apply(synced("resumed", "a-7"));
    expect([store.jobIds(), store.lastId]).toEqual([["j"], "a-7"]);
  });

  it("tells of the end of a job once, and of each state in between", () => {
    const store = new ProgressStore();
    const seen: unknown[] = [];
    store.events.on("photo", ({ progress }) => seen.push(progress));
    store.events.on("ended", ({ status }) => seen.push(status));
    const end = job(4, { type: "job_completed", status: "PARTIAL", progress: 100 });
    for (const one of [photo(1, 10), photo(2, 20), end, { ...end, id: "b-1" } as HubMessage])
      store.apply(one);
    expect(seen).toEqual([10, 20, "PARTIAL"]);
  });

  it.each([
    ["nothing", ""],
    ["no object", "7"],
    ["an unknown type", '{"type":"soon"}'],
    ["no id", '{"type":"job_progress"}'],
  ])("takes %s for no message", (_what, text) => {
    expect(parseMessage(text)).toBe(null);
  });
});
