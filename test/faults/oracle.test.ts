import { afterEach, describe, expect, it, vi } from "vitest";
import type { ClientRecord } from "../../simulator/oracle/client-record.ts";
import { CLEAN, Oracle, type OracleOptions, type SentEvent } from "../../simulator/oracle/oracle.ts";

// The oracle is only worth something if it finds what is planted, and nothing where there is nothing.

afterEach(() => vi.useRealTimers());

const USER = "u";
let count = 0;

function event(type: string, more: Partial<SentEvent["data"]> = {}): SentEvent {
  count += 1;
  return { id: `e${count}`, type, data: { jobId: "j", userId: USER, ...more } };
}

function message(seq: number, type: string, status: string, more: Record<string, unknown> = {}) {
  const progress = type.endsWith("_completed") ? 100 : 50;
  return { type, id: `a-${seq}`, jobId: "j", status, progress, attempt: 1, ...more };
}

const photo = (seq: number, type: string, status: string, more: Record<string, unknown> = {}) =>
  message(seq, type, status, { photoId: "p", ...more });

/** A job of one photo, told whole and acknowledged, and two clients of its owner that are connected. */
function story(options: Partial<OracleOptions> = {}) {
  const oracle = new Oracle({ stateSurvivesCore: true, epochsRetell: false, ...options });
  const clients = [oracle.client("websocket", USER), oracle.client("sse", USER)] as const;
  for (const client of clients) {
    client.opened();
    client.take({ type: "synced", mode: "snapshot", id: "a-0" });
  }
  const tell = (...events: readonly SentEvent[]) => {
    for (const one of events) {
      oracle.published(one);
      oracle.acknowledged(one, oracle.generation);
    }
  };
  tell(event("uploadjob.created", { photoCount: 1 }), event("photo.upload.started", { photoId: "p" }));
  const end = () => tell(event("photo.upload.completed", { photoId: "p" }), event("uploadjob.completed"));
  return { oracle, clients, tell, end };
}

const BEGUN = photo(1, "upload_started", "UPLOADING", { progress: 0 });
const WHOLE = [
  BEGUN,
  message(2, "job_progress", "UPLOADING"),
  photo(3, "upload_progress", "UPLOADING"),
  photo(4, "upload_completed", "COMPLETED"),
  message(5, "job_completed", "COMPLETED"),
];

function show(client: ClientRecord, messages: readonly unknown[]): void {
  for (const one of messages) client.take(one);
}

describe("the oracle", () => {
  it("finds nothing where all was shown", () => {
    const { oracle, clients, end } = story();
    end();
    for (const client of clients) show(client, WHOLE);
    expect(oracle.endingsOwed).toBe(2);
    expect(oracle.verdict()).toEqual(CLEAN);
  });

  it("finds an ending of a photo, and of a job, that one of two clients never saw", () => {
    const { oracle, clients, end } = story();
    end();
    show(clients[0], WHOLE);
    show(clients[1], WHOLE.slice(0, 3));
    expect(oracle.verdict()).toMatchObject({ lost: 2 });
    show(clients[1], [WHOLE[3]]);
    expect(oracle.verdict()).toMatchObject({ lost: 1, foreign: 0, disordered: 0, fallen: 0, repeated: 0 });
    expect(oracle.lost()[0]).toMatch(/^sse-1 of u never saw the ending of j acknowledged/);
  });

  it("takes a later attempt, or a higher ending, for the one that was missed, and not a lower one", () => {
    const { oracle, clients, tell } = story();
    tell(event("photo.upload.failed", { photoId: "p" }));
    show(clients[0], [BEGUN, photo(2, "upload_failed", "FAILED")]);
    show(clients[1], [BEGUN, photo(2, "upload_failed", "CANCELLED")]);
    expect(oracle.verdict()).toMatchObject({ lost: 1 });
    show(clients[1], [photo(3, "upload_started", "UPLOADING", { attempt: 2 })]);
    expect(oracle.verdict()).toEqual(CLEAN);
  });

  it("owes nothing to a client that is gone, and everything to one that comes back", () => {
    const { oracle, clients, end } = story();
    show(clients[0], WHOLE);
    clients[1].closed("cut");
    end();
    expect(oracle.verdict()).toEqual(CLEAN);
    clients[1].opened();
    clients[1].take({ type: "synced", mode: "resumed", id: "a-5" });
    expect(oracle.verdict()).toMatchObject({ lost: 2 });
  });

  it("finds a message of another user's job, and one of a job nobody has", () => {
    const { oracle, clients } = story();
    const theirs = { ...event("uploadjob.created"), data: { jobId: "theirs", userId: "v" } };
    oracle.published(theirs);
    show(clients[0], [message(1, "job_progress", "UPLOADING", { jobId: "theirs" })]);
    show(clients[1], [message(1, "job_progress", "UPLOADING", { jobId: "nobodys" })]);
    expect(oracle.verdict()).toMatchObject({ foreign: 2, disordered: 0 });
  });

  it("finds two messages that changed places, and one that came twice", () => {
    const { oracle, clients } = story();
    show(clients[0], [WHOLE[1], WHOLE[0]]);
    expect(oracle.verdict()).toMatchObject({ disordered: 1, fallen: 0 });
    show(clients[1], [WHOLE[0], WHOLE[1], WHOLE[1]]);
    expect(oracle.verdict()).toMatchObject({ disordered: 2 });
  });

  it("finds an id below what the client had, after it came back, and a head below it", () => {
    const { oracle, clients } = story();
    show(clients[0], WHOLE);
    clients[0].closed("cut");
    clients[0].opened();
    clients[0].take({ type: "synced", mode: "resumed", id: "a-4" });
    expect(clients[0].lastId).toBe("a-5");
    show(clients[0], [message(4, "job_progress", "UPLOADING", { jobId: "j" })]);
    expect(oracle.verdict()).toMatchObject({ disordered: 2 });
  });

  it("finds an ending that is shown twice, and one that falls in rank", () => {
    const { oracle, clients } = story();
    show(clients[0], [...WHOLE, photo(6, "upload_completed", "COMPLETED")]);
    expect(oracle.verdict()).toMatchObject({ repeated: 1, fallen: 0 });
    show(clients[0], [message(7, "job_completed", "COMPLETED")]);
    expect(oracle.verdict()).toMatchObject({ repeated: 2, fallen: 0 });
    show(clients[1], [BEGUN, photo(2, "upload_failed", "FAILED"), photo(3, "upload_failed", "CANCELLED")]);
    expect(oracle.verdict()).toMatchObject({ repeated: 2, fallen: 1, disordered: 0 });
  });

  it("finds progress after the ending, and percents that fall", () => {
    const { oracle, clients } = story();
    show(clients[0], [...WHOLE, photo(6, "upload_progress", "UPLOADING")]);
    expect(oracle.verdict()).toMatchObject({ fallen: 1 });
    show(clients[1], [BEGUN, WHOLE[2], photo(4, "upload_progress", "UPLOADING", { progress: 49 })]);
    expect(oracle.verdict()).toMatchObject({ fallen: 2 });
  });
});

describe("the oracle, of a message by itself", () => {
  const COUNTS = { total: 3, completed: 2, failed: 1, cancelled: 0, active: 0 };
  it.each([
    ["a photo at 100 % before its end", photo(2, "upload_progress", "UPLOADING", { progress: 100 })],
    ["a photo that is completed at 12 %", photo(2, "upload_completed", "COMPLETED", { progress: 12 })],
    [
      "a photo that is completed with a part of its bytes",
      photo(2, "upload_completed", "COMPLETED", { bytesTransferred: 7, totalBytes: 9 }),
    ],
    [
      "a photo with more bytes than it has",
      photo(2, "upload_progress", "UPLOADING", { bytesTransferred: 9, totalBytes: 7 }),
    ],
    ["progress of a photo that is completed", photo(2, "upload_progress", "COMPLETED")],
    ["a job that ends at 12 %", message(3, "job_completed", "COMPLETED", { progress: 12 })],
    ["a job at 100 % before its end", message(3, "job_progress", "UPLOADING", { progress: 100 })],
    ["a job that ends while it is uploading", message(3, "job_completed", "UPLOADING")],
    ["a job that is completed with a failure", message(3, "job_completed", "COMPLETED", { photos: COUNTS })],
    ["a job that failed with a completed photo", message(3, "job_completed", "FAILED", { photos: COUNTS })],
    [
      "a job that ends with photos under way",
      message(3, "job_completed", "PARTIAL", { photos: { ...COUNTS, completed: 1, active: 1 } }),
    ],
    [
      "a job with more photos than it has",
      message(3, "job_progress", "UPLOADING", { photos: { ...COUNTS, active: 1 } }),
    ],
  ])("finds %s", (_what, planted) => {
    const { oracle, clients } = story();
    // A job ends after its photo, of which it is the second thing that is told.
    const isOfJob = !("photoId" in planted);
    show(
      clients[0],
      isOfJob ? [BEGUN, photo(2, "upload_completed", "COMPLETED"), planted] : [BEGUN, planted],
    );
    expect(oracle.verdict()).toEqual({
      ...CLEAN,
      malformed: 1,
      examples: [expect.stringMatching(/^malformed: websocket-0 got a-[23] of j/)],
    });
  });

  it("finds what is no message at all", () => {
    const { oracle, clients } = story();
    for (const text of ['{"type":"upload_pro', "[]", "null", '{"a":1}']) clients[0].takeText(text);
    expect(oracle.verdict()).toMatchObject({ malformed: 4 });
  });
});

describe("the oracle, of the order of messages", () => {
  it("finds an attempt that is told without its beginning, and one that begins twice", () => {
    const { oracle, clients } = story();
    show(clients[0], [photo(1, "upload_progress", "UPLOADING")]);
    expect(oracle.verdict()).toMatchObject({ disordered: 1, repeated: 0 });
    show(clients[1], [WHOLE[0], photo(2, "upload_progress", "UPLOADING", { attempt: 2 })]);
    expect(oracle.verdict()).toMatchObject({ disordered: 2, repeated: 0 });
    show(clients[1], [photo(3, "upload_started", "UPLOADING", { attempt: 2 })]);
    expect(oracle.verdict()).toMatchObject({ disordered: 2, repeated: 0 });
    show(clients[1], [photo(4, "upload_started", "UPLOADING", { attempt: 2 })]);
    expect(oracle.verdict()).toMatchObject({ disordered: 2, repeated: 1 });
  });

  it("finds a job that ends before its photo does, but not in what is told to one that was behind", () => {
    const { oracle, clients } = story();
    const end = message(2, "job_completed", "COMPLETED");
    show(clients[0], [BEGUN, end, photo(3, "upload_completed", "COMPLETED")]);
    expect(oracle.verdict()).toMatchObject({ disordered: 1 });
    expect(oracle.verdict().examples[0]).toMatch(
      /websocket-0 got the end of j in a-2 before that of j\/p, open in a-1/,
    );
    clients[0].take({ type: "synced", mode: "resumed", id: "a-3" });
    expect(oracle.verdict()).toEqual(CLEAN);
    show(clients[1], [BEGUN, end, photo(3, "upload_started", "UPLOADING", { attempt: 2 })]);
    expect(oracle.verdict()).toEqual(CLEAN);
  });

  it("finds bytes that go back where nobody knows of how many, and totals of before", () => {
    const { oracle, clients } = story();
    const at = (seq: number, bytesTransferred: number) =>
      photo(seq, "upload_progress", "UPLOADING", { progress: null, bytesTransferred });
    show(clients[0], [WHOLE[0], at(2, 9), at(3, 8)]);
    expect(oracle.verdict()).toMatchObject({ fallen: 1 });
    const totals = (seq: number, totalsVersion: number) =>
      message(seq, "job_progress", "UPLOADING", { totalsVersion });
    show(clients[1], [totals(1, 5), totals(2, 2)]);
    expect(oracle.verdict()).toMatchObject({ fallen: 2 });
  });
});

describe("the oracle, at the end", () => {
  const END = { bytesTransferred: 8_000, totalBytes: 8_000, progress: 100 };
  const COUNTS = { total: 1, completed: 1, failed: 0, cancelled: 0, active: 0 };
  // Long after all that is told, so that nothing of it was on its way when the job ended.
  const timestamp = new Date(Date.now() + 60_000).toISOString();
  const TRUE = [
    WHOLE[0],
    photo(2, "upload_completed", "COMPLETED", END),
    message(3, "job_completed", "COMPLETED", { photos: COUNTS, timestamp }),
  ];

  /** All that was told of the job of one photo of 8,000 bytes, and what clients show of it. */
  function ended(ending = "completed", more: Partial<SentEvent["data"]> = { totalBytes: 8_000 }) {
    const { oracle, clients, tell } = story();
    const error = ending === "failed" ? { error: { code: "gone", message: "" } } : {};
    tell(event(`photo.upload.${ending}`, { photoId: "p", ...error, ...more }), event("uploadjob.completed"));
    return { oracle, clients, tell };
  }

  it("finds nothing where all show what was told", () => {
    const { oracle, clients } = ended();
    for (const client of clients) show(client, TRUE);
    expect(oracle.untrue()).toEqual([]);
  });

  it.each([
    ["nothing", [], 2],
    ["a photo that is not at its end", [TRUE[0], photo(2, "upload_progress", "UPLOADING")], 2],
    ["a photo with too few bytes", [TRUE[0], { ...TRUE[1], bytesTransferred: 7 }, TRUE[2]], 1],
    ["a job that goes on", [TRUE[0], TRUE[1], message(3, "job_progress", "UPLOADING")], 1],
    ["a job that ended otherwise", [TRUE[0], TRUE[1], { ...TRUE[2], status: "FAILED" }], 1],
  ] as const)("finds a client that shows %s", (_what, messages, count) => {
    const { oracle, clients } = ended();
    show(clients[0], TRUE);
    show(clients[1], messages);
    expect(oracle.untrue()).toHaveLength(count);
    expect(oracle.untrue()[0]).toMatch(/^sse-1 of user u, job j.*: expected .*; shows /);
  });

  it("takes the hub's own endings for right where nobody told of a photo any more, and nowhere else", () => {
    const failed = (code: string) => photo(2, "upload_failed", "FAILED", { error: { code } });
    const job = message(3, "job_completed", "FAILED", { photos: { ...COUNTS, completed: 0, failed: 1 } });
    const open = story();
    for (const client of open.clients) show(client, [WHOLE[0], failed("job_ended"), job]);
    expect(open.oracle.untrue()).toEqual([]);
    const done = ended();
    for (const client of done.clients) show(client, [WHOLE[0], failed("timeout"), job]);
    expect(done.oracle.untrue().length).toBeGreaterThanOrEqual(2);
  });

  it("finds a time-out that comes too early, and an upload that nobody tells of and does not end", () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    const { oracle, clients, tell } = story({ expireMs: 30_000 });
    tell(event("uploadjob.completed"));
    const failed = (afterMs: number) =>
      photo(2, "upload_failed", "FAILED", {
        ...{ error: { code: "timeout" }, timestamp: new Date(1_000_000 + afterMs).toISOString() },
      });
    const job = message(3, "job_completed", "FAILED");
    show(clients[0], [{ ...BEGUN, bytesTransferred: 0 }, message(2, "job_progress", "UPLOADING")]);
    clients[1].closed("cut");
    expect(oracle.open).toBe(1);
    expect(oracle.untrue()).toEqual([]);
    vi.setSystemTime(1_040_000);
    expect(oracle.untrue()).toEqual([
      expect.stringMatching(/photo p: expected FAILED, attempt 1, since nobody tells of it; shows UPLOADING/),
    ]);
    show(clients[0], [
      { ...failed(30_000), id: "a-3" },
      { ...job, id: "a-4" },
    ]);
    expect(oracle.open).toBe(0);
    expect([oracle.untrue(), oracle.verdict()]).toEqual([[], CLEAN]);

    const early = story({ expireMs: 30_000 });
    vi.setSystemTime(1_000_000);
    early.tell(event("photo.upload.progressed", { photoId: "p", bytesTransferred: 9 }));
    show(early.clients[0], [BEGUN, failed(12_000)]);
    expect(early.oracle.verdict()).toEqual({
      ...CLEAN,
      malformed: 1,
      examples: ["malformed: j/p timed out 12000 ms after it was heard of, and not after 30000 ms"],
    });
  });

  it("lets a job keep the status that it ended with, where an event was overtaken by its end", () => {
    const { oracle, clients, tell } = ended();
    for (const client of clients) show(client, [TRUE[0], TRUE[1], { ...TRUE[2], timestamp: undefined }]);
    tell(event("photo.upload.failed", { photoId: "late" }));
    const late = photo(4, "upload_failed", "FAILED", { photoId: "late", bytesTransferred: 0 });
    show(clients[0], [late]);
    expect(oracle.untrue()).toHaveLength(1);
    expect(oracle.untrue()[0]).toMatch(
      /^sse-1 of user u, job j, photo late: expected FAILED.*; shows nothing$/,
    );
  });

  it("finds a percent of a job that falls while its totals are the same, and lets it fall with them", () => {
    const { oracle, clients } = story();
    const at = (seq: number, progress: number, totalsVersion: number) =>
      message(seq, "job_progress", "UPLOADING", { progress, totalsVersion });
    show(clients[0], [at(1, 50, 1), at(2, 40, 2), at(3, 41, 2)]);
    expect(oracle.verdict()).toEqual(CLEAN);
    show(clients[1], [at(1, 50, 1), at(2, 49, 1)]);
    expect(oracle.verdict()).toMatchObject({ fallen: 1 });
  });

  it("lets a job begin anywhere after there was nothing left to count in it, and not after it was unknown for a while", () => {
    const { oracle, clients } = story();
    const at = (seq: number, progress: number | null, totalsVersion: number) =>
      message(seq, "job_progress", "UPLOADING", { progress, totalsVersion });
    // All of it was cancelled, and then a photo was announced.
    show(clients[0], [at(1, 74.9, 1), at(2, null, 2), at(3, 0, 2)]);
    expect(oracle.verdict()).toEqual(CLEAN);
    show(clients[1], [at(1, 74.9, 1), at(2, null, 1), at(3, 0, 1)]);
    expect(oracle.verdict()).toMatchObject({ fallen: 1 });
  });

  it("forgets with a client what is not in a snapshot", () => {
    const { oracle, clients } = ended();
    for (const client of clients) show(client, TRUE);
    clients[0].closed("cut");
    clients[0].opened();
    clients[0].take({ type: "synced", mode: "snapshot", id: "a-9" });
    expect(oracle.untrue()).toHaveLength(2);
  });
});

describe("the oracle, where state dies with the core", () => {
  it("owes what the living core acknowledged, and not what the dead one did", () => {
    const { oracle, tell, end } = story({ stateSurvivesCore: false });
    end();
    oracle.coreEnded("killed");
    expect(oracle.verdict()).toEqual(CLEAN);
    tell({ ...event("x"), type: "photo.upload.completed", data: { jobId: "k", userId: USER, photoId: "p" } });
    expect(oracle.verdict()).toMatchObject({ lost: 2 });
  });

  it("owes everything where the core was drained, but not the end of a job that two cores know half of", () => {
    const { oracle, end, tell } = story({ stateSurvivesCore: false });
    tell(event("photo.upload.completed", { photoId: "p" }));
    oracle.coreEnded("drained");
    expect(oracle.verdict()).toMatchObject({ lost: 2 });
    end();
    expect(oracle.verdict()).toMatchObject({ lost: 2 });
  });

  it("lets a new epoch begin a new story, but no id fall", () => {
    const { oracle, clients } = story({ stateSurvivesCore: false });
    show(clients[0], WHOLE);
    show(clients[0], [{ ...BEGUN, id: "b-6" }, photo(7, "upload_completed", "COMPLETED", { id: "b-7" })]);
    expect(oracle.verdict()).toEqual(CLEAN);
    show(clients[0], [{ ...message(5, "job_completed", "COMPLETED"), id: "c-5" }]);
    expect(oracle.verdict()).toMatchObject({ disordered: 1 });
  });

  const REBORN = [WHOLE[0], WHOLE[3], WHOLE[4]].map((one, index) => ({ ...one, id: `b-${index + 1}` }));

  it("another epoch may tell again from below, each ending once", () => {
    const { oracle, clients, end } = story({ epochsRetell: true });
    end();
    for (const client of clients) show(client, [...WHOLE, ...REBORN]);
    expect(oracle.verdict()).toEqual(CLEAN);
    show(clients[0], [{ ...REBORN[1], id: "b-6" }]);
    expect(oracle.verdict()).toMatchObject({ repeated: 1, disordered: 0, fallen: 0 });
  });

  it("another epoch takes back what was not acknowledged when the store was lost, and nothing else", () => {
    const { oracle, clients, tell } = story({ epochsRetell: true });
    show(clients[0], WHOLE);
    oracle.mayTakeBack();
    show(clients[0], [{ ...BEGUN, id: "b-1" }, photo(2, "upload_progress", "UPLOADING", { id: "b-2" })]);
    expect(oracle.verdict()).toEqual(CLEAN);
    tell(event("photo.upload.completed", { photoId: "p" }));
    oracle.mayTakeBack();
    show(clients[1], [
      ...WHOLE,
      { ...BEGUN, id: "b-1" },
      photo(2, "upload_progress", "UPLOADING", { id: "b-2" }),
    ]);
    expect(oracle.verdict()).toMatchObject({ fallen: 1, disordered: 0 });
  });

  it("another epoch takes nothing back, does not end, and no id is of two things", () => {
    const { oracle, clients, end } = story({ epochsRetell: true });
    end();
    const reborn = [{ ...BEGUN, id: "b-1" }, photo(2, "upload_progress", "UPLOADING", { id: "b-2" })];
    show(clients[0], [...WHOLE, ...reborn]);
    expect(oracle.verdict()).toMatchObject({ fallen: 1, disordered: 0 });
    show(clients[0], [message(6, "job_progress", "UPLOADING")]);
    expect(oracle.verdict()).toMatchObject({ disordered: 1 });
    show(clients[1], [...WHOLE.slice(0, 1), message(3, "job_progress", "UPLOADING")]);
    expect(oracle.verdict()).toMatchObject({ disordered: 2 });
  });
});
