import fc from "fast-check";
import { expect, it } from "vitest";
import { createJob } from "../../src/domain/job.ts";
import { jobRecord, type KeptJob, photoRecord } from "../../src/engine/records.ts";
import { decodeJob, decodePhoto, encodeJob, encodePhoto } from "../../src/engine/resident/record-bytes.ts";
import { ENDS, seq, shown, title } from "./arbitrary-jobs.ts";
import { orNull, photo, size } from "./arbitrary-photos.ts";

// What is read of a record is what is read of the JSON that formats 1 and 2 had in its place: they check each other.

const NOW_MS = 5_000;
const TIMES = { nowMs: NOW_MS, originUnixMs: 1_700_000_000_000 };
const ending = fc.record({ status: fc.constantFrom(...ENDS), atMs: fc.nat() });
const job: fc.Arbitrary<KeptJob> = fc
  .record({
    fields: fc.record({
      declared: fc.record({ photoCount: orNull(size), totalBytes: orNull(size) }),
      title,
      completedHeard: fc.boolean(),
      cancelledHeard: fc.boolean(),
      shown,
      ended: orNull(ending),
    }),
    bornSeq: seq,
    newestSeq: seq,
  })
  .map(({ fields, ...numbers }) => ({
    job: Object.assign(createJob("u", "j", 0), fields),
    ...numbers,
    endedUnixMs: fields.ended === null ? null : TIMES.originUnixMs + fields.ended.atMs,
  }));

const asJson = (record: unknown) => Buffer.from(JSON.stringify(record));

it("a photo's record says what its JSON said", () => {
  fc.assert(
    fc.property(photo, (one) => {
      fc.pre(one.shown === null || one.shown.last === one.shown.started || one.shown.last.seq > 0);
      const [given, wanted] = [encodePhoto(one), asJson(photoRecord(one))].map((bytes) =>
        decodePhoto("p", bytes, NOW_MS),
      );
      expect(given).toStrictEqual(wanted);
      expect(given?.shown?.last === given?.shown?.started).toBe(one.shown?.last === one.shown?.started);
    }),
    { numRuns: 500 },
  );
});

it("a job's record says what its JSON said", () => {
  fc.assert(
    fc.property(job, (one) => {
      const [given, wanted] = [encodeJob(one), asJson(jobRecord(one))].map((bytes) =>
        decodeJob("u", "j", bytes, TIMES),
      );
      expect(given).toStrictEqual(wanted);
    }),
    { numRuns: 500 },
  );
});

it("a record that is cut short is refused", () => {
  fc.assert(
    fc.property(photo, fc.nat(1_000), (one, cut) => {
      const record = encodePhoto({ ...one, state: { ...one.state, fileName: null } });
      const shorter = Buffer.from(record.subarray(0, Math.max(1, cut % 89)));
      expect(() => decodePhoto("p", shorter, NOW_MS)).toThrow();
    }),
  );
});

it("a record that was taken over stays as it was when the next is made and another one read", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(photo, job), { minLength: 2, maxLength: 8 }), (all) => {
      const records = all.map((one) => Buffer.from("photoId" in one ? encodePhoto(one) : encodeJob(one)));
      const again = all.map((one) => Buffer.from("photoId" in one ? encodePhoto(one) : encodeJob(one)));
      expect(records).toEqual(again);
      const readAt = (index: number) => {
        const record = records[index] ?? Buffer.alloc(0);
        const isPhoto = "photoId" in (all[index] ?? {});
        return isPhoto ? decodePhoto("p", record, NOW_MS) : decodeJob("u", "j", record, TIMES);
      };
      const indexes = [...all.keys()];
      expect(indexes.map(readAt)).toStrictEqual([...indexes].reverse().map(readAt).reverse());
    }),
  );
});
