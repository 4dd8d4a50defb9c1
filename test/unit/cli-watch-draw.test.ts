import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawFrame, type Frame } from "../../src/cli/watch/draw.ts";
import { formatBytes, formatPercent, formatSeconds, inColumns, printable } from "../../src/cli/watch/text.ts";
import type { JobView, PhotoView } from "../../src/cli/watch/view.ts";
import type { Job, Photo } from "../../src/client/index.ts";

const frame: Frame = { columns: 100, rows: 24, color: false, footer: "live" };

function photoView(photoId: string, more: Partial<Photo> = {}, isFresh = false): PhotoView {
  const photo: Photo = {
    photoId,
    jobId: "j",
    progress: 50,
    status: "UPLOADING",
    timestamp: "2026-11-23T10:00:00.000Z",
    bytesTransferred: 4_000_000,
    totalBytes: 8_000_000,
    attempt: 1,
    hasEnded: more.status === "COMPLETED" || more.status === "FAILED" || more.status === "CANCELLED",
    ...more,
  };
  return { photo, isFresh };
}

function jobView(jobId: string, photos: readonly PhotoView[], more: Partial<Job> = {}): JobView {
  const job: Job = {
    jobId,
    progress: 50,
    status: "UPLOADING",
    timestamp: "2026-11-23T10:00:00.000Z",
    bytesTransferred: 4_000_000,
    totalBytes: 8_000_000,
    photos: { total: photos.length, completed: 0, failed: 0, cancelled: 0, active: photos.length },
    totalsVersion: 1,
    title: jobId,
    bytesPerSecond: 3_200_000,
    etaSeconds: 42,
    hasEnded: false,
    ...more,
  };
  return { jobId, job, photos: () => photos };
}

const linesOf = (jobs: readonly JobView[], more: Partial<Frame> = {}): string[] =>
  drawFrame(jobs, { ...frame, ...more }).split("\n");

test("a job with percent, counts, speed and time left; a bar a photo beneath", () => {
  const [job = "", photo = ""] = linesOf([jobView("Holiday", [photoView("p1")])]);
  expect(job).toMatch(/^▸ Holiday +━+╸?─+ {2}50\.0 % +0\/1 +3\.2 MB\/s +0:42 left$/);
  expect(photo).toMatch(/^ {4}p1 +━+╸?─+ {2}50\.0 % +8\.0 MB$/);
  expect(job.indexOf("━")).toBe(photo.indexOf("━"));
});

test("nothing known is not NaN", () => {
  const unknown = { progress: null, totalBytes: null, bytesPerSecond: null, etaSeconds: null };
  const text = linesOf([jobView("j", [photoView("p", { progress: null, totalBytes: null })], unknown)]).join(
    "\n",
  );
  expect(text).toContain("? %");
  expect(text).not.toMatch(/NaN|null|undefined|Infinity/);
});

test("completed photos collapse after a moment, failed ones stay, active ones come first", () => {
  const done = { status: "COMPLETED", progress: 100 } as const;
  const photos = [
    photoView("failed", { status: "FAILED", error: { code: "c", message: "reset" } }),
    photoView("old", done),
    photoView("fresh", done, true),
    photoView("active"),
  ];
  const names = linesOf([jobView("j", photos)])
    .slice(1, -2)
    .map((line) => line.trim().split(" ")[0]);
  expect(names).toEqual(["fresh", "active", "failed"]);
});

test("what does not fit is counted", () => {
  const photos = Array.from({ length: 40 }, (_, index) => photoView(`p${index}`));
  const lines = linesOf([jobView("j", photos)], { rows: 12 });
  expect(lines).toHaveLength(11);
  expect(lines).toContain("  … and 33 more photos");
});

test("ended jobs fold into one line each, the oldest into a count", () => {
  const ended = { hasEnded: true, status: "PARTIAL", progress: 100 } as const;
  const jobs = Array.from({ length: 9 }, (_, index) => jobView(`j${index}`, [photoView("p")], ended));
  const lines = linesOf(jobs);
  expect(lines[0]).toBe("  … and 6 more ended");
  expect(lines.slice(1, 4)).toEqual(
    [6, 7, 8].map((index) => expect.stringMatching(new RegExp(`^! j${index} .*partial`))),
  );
});

describe.each([20, 40, 60, 80, 100])("in a window of %d columns", (columns) => {
  const photos = { total: 12, completed: 10, failed: 2, cancelled: 0, active: 0 };
  const endings = ["COMPLETED", "PARTIAL", "FAILED", "CANCELLED"] as const;

  test.each(endings)("the row of an ended job says %s", (status) => {
    const job = jobView("Summer holidays", [], { hasEnded: true, status, progress: 100, photos });
    const [row = ""] = linesOf([job], { columns });
    expect(row).toMatch(new RegExp(` ${status.toLowerCase()}( |$)`));
    expect(inColumns(row, columns).trimEnd()).toBe(row);
    if (columns >= 40) expect(row).toContain(" 10/12");
    if (columns >= 80) expect(row).toMatch(/ 100\.0 % .* 2 failed$/);
  });

  test("what failed in an ended job stays, with the reason", () => {
    const failed = { status: "FAILED" } as const;
    const views = [
      photoView("p1", { ...failed, error: { code: "network", message: "lost" } }),
      photoView("p2", { ...failed, error: { code: "quota", message: "" } }),
      photoView("p3", { status: "COMPLETED" }),
    ];
    const job = jobView("j", views, { hasEnded: true, status: "PARTIAL", progress: 100, photos });
    const last = linesOf([job], { columns, footer: null });
    expect(last).toEqual([
      expect.stringContaining("partial"),
      expect.stringMatching(/^ {4}p1 .*✗ lost$/),
      expect.stringMatching(/^ {4}p2 .*✗ quota$/),
    ]);
    // Rows go to what is active first.
    const active = jobView("now", [photoView("a"), photoView("b"), photoView("c")]);
    const short = linesOf([job, active], { columns, rows: 7, footer: null });
    expect(short.map((line) => line.trim().split(" ")[0])).toEqual(["!", "…", "▸", "a", "b", "c"]);
    expect(short[1]).toMatch(/^ {2}… and 2 more fail(ed|…)$/);
  });
});

test("any number of jobs and photos, with any names, fits any window", () => {
  const name = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("写真集のフォルダ名前.jpg", "👩‍👩‍👧 family", "\u001b[31mred"),
  );
  const status = fc.constantFrom(
    ...(["UPLOADING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"] as const),
  );
  const photo = fc
    .record({
      fileName: name,
      status,
      progress: fc.option(fc.double({ min: 0, max: 100, noNaN: true })),
      attempt: fc.integer({ min: 1, max: 9 }),
    })
    .map(({ fileName, ...more }) => photoView("p", { ...more, fileName }));
  const jobs = fc.array(
    fc
      .record({ title: name, hasEnded: fc.boolean(), photos: fc.array(photo, { maxLength: 30 }) })
      .map(({ photos, ...more }) => jobView("j", photos, more)),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(
      jobs,
      fc.integer({ min: 20, max: 200 }),
      fc.integer({ min: 2, max: 60 }),
      (views, columns, rows) => {
        const lines = linesOf(views, { columns, rows });
        expect(lines.length).toBeLessThanOrEqual(rows - 1);
        for (const line of lines) {
          expect(line).not.toMatch(/\p{Cc}/u);
          // inColumns pads to exactly the width, so a line that it would cut is too wide.
          expect(inColumns(line, columns).trimEnd()).toBe(line.trimEnd());
        }
      },
    ),
  );
});

test.each([
  ["abc", 5, "abc  "],
  ["abcdef", 5, "abcd…"],
  ["写真集", 6, "写真集"],
  ["写真集", 5, "写真…"],
  ["写真集", 4, "写… "],
  ["", 3, "   "],
  ["abc", 0, ""],
  ["abc", 1, "…"],
])("inColumns(%j, %d)", (text, width, expected) => {
  expect(inColumns(text, width)).toBe(expected);
});

test("figures", () => {
  expect([0, 999, 1_000, 3_816_000, 8.4e9].map(formatBytes)).toEqual([
    "0 B",
    "999 B",
    "1 kB",
    "3.8 MB",
    "8.4 GB",
  ]);
  expect([0, 41.2, 3_905].map(formatSeconds)).toEqual(["0:00", "0:42", "1:05:05"]);
  expect([null, 0, 100].map(formatPercent)).toEqual(["    ? %", "  0.0 %", "100.0 %"]);
  expect(printable("a\u001b]0;x\u0007\u202eb")).toBe("a?]0;x??b");
});
