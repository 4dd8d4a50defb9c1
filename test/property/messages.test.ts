import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_NUMBER } from "../../src/domain/events.ts";
import type { JobView } from "../../src/domain/job-view.ts";
import { jobMessageBody, photoMessageBody, photoMessageType } from "../../src/domain/messages.ts";
import type { PhotoView } from "../../src/domain/photo-view.ts";

// Messages are put together by hand; what JSON.stringify makes of the same object is the judge.

const id = fc.stringMatching(/^[A-Za-z0-9._:@-]{1,128}$/);
const count = fc.maxSafeNat();
const unknown = fc.option(count, { nil: null });
const tenths = fc.option(fc.integer({ min: 0, max: 1_000 }), { nil: null });
const text = fc.string({ unit: "grapheme" });
const at = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) });

const photoView: fc.Arbitrary<PhotoView> = fc.record({
  attempt: fc.integer({ min: 1, max: MAX_NUMBER }),
  status: fc.constantFrom("UPLOADING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"),
  bytes: count,
  total: unknown,
  tenths,
  stalled: fc.boolean(),
  error: fc.option(fc.record({ code: text, message: text }), { nil: null }),
});

const jobView: fc.Arbitrary<JobView> = fc.record({
  status: fc.constantFrom("UPLOADING", "COMPLETED", "PARTIAL", "FAILED", "CANCELLED"),
  bytes: count,
  total: unknown,
  tenths,
  estimated: fc.boolean(),
  remaining: unknown,
  photos: fc.record({ total: count, completed: count, failed: count, cancelled: count, active: count }),
  title: fc.option(text, { nil: null }),
});

const percentOf = (value: number | null) => (value === null ? null : value / 10);

test("a photo's message is the JSON of its fields, in their order", () => {
  fc.assert(
    fc.property(
      id,
      id,
      photoView,
      fc.option(text, { nil: null }),
      at,
      fc.boolean(),
      (jobId, photoId, view, fileName, atMs, isStart) => {
        const type = isStart ? "upload_started" : photoMessageType(view.status);
        const json = JSON.stringify({
          ...{ type, photoId, jobId },
          progress: percentOf(view.tenths),
          status: view.status,
          timestamp: new Date(atMs).toISOString(),
          bytesTransferred: view.bytes,
          totalBytes: view.total,
          attempt: view.attempt,
          ...(fileName !== null && { fileName }),
          ...(view.stalled && { stalled: true }),
          ...(type === "upload_failed" && {
            error: view.error ?? { code: "cancelled", message: "The upload was cancelled" },
          }),
        });
        const body = photoMessageBody({ type, jobId, at: atMs }, photoId, view, fileName);
        expect(`{${body.json}`).toBe(json);
        if (!body.hasText) expect(Buffer.byteLength(json)).toBe(json.length);
      },
    ),
  );
});

test("a job's message is the JSON of its fields, in their order", () => {
  const rate = fc.option(fc.integer({ min: 1, max: MAX_NUMBER }), { nil: null });
  fc.assert(
    fc.property(id, jobView, count, rate, at, (jobId, view, totalsVersion, bytesPerSecond, atMs) => {
      const type = view.status === "UPLOADING" ? "job_progress" : "job_completed";
      const body = jobMessageBody({ type, jobId, at: atMs }, view, totalsVersion, bytesPerSecond);
      if (!body.hasText) expect(Buffer.byteLength(body.json)).toBe(body.json.length);
      const parsed = JSON.parse(`{${body.json}`);
      const { etaSeconds, ...told } = parsed;
      expect(JSON.stringify(told)).toBe(
        JSON.stringify({
          ...{ type, jobId },
          progress: percentOf(view.tenths),
          status: view.status,
          timestamp: new Date(atMs).toISOString(),
          bytesTransferred: view.bytes,
          totalBytes: view.total,
          photos: view.photos,
          totalsVersion,
          ...(type === "job_progress" && { bytesPerSecond }),
          ...(view.estimated && { estimated: true }),
          ...(view.title !== null && { title: view.title }),
        }),
      );
      const hasEta = type === "job_progress" && bytesPerSecond !== null && (view.remaining ?? 0) > 0;
      expect(etaSeconds ?? null).toBe(
        hasEta ? Math.min(MAX_NUMBER, Math.ceil((view.remaining ?? 0) / (bytesPerSecond ?? 1))) : null,
      );
      expect("etaSeconds" in parsed).toBe(type === "job_progress");
    }),
  );
});
