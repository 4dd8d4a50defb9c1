import fc from "fast-check";
import type { Job } from "../../src/domain/job.ts";
import type { JobStatus } from "../../src/domain/job-view.ts";
import { orNull, size, tenths, time } from "./arbitrary-photos.ts";

export const ENDS = ["COMPLETED", "PARTIAL", "FAILED", "CANCELLED"] as const satisfies readonly JobStatus[];

export const seq = size.filter((value) => value > 0);
export const title = orNull(fc.constantFrom("", "Sommer 2026", "ünï → 🙂", '"\n'));
export const shown: fc.Arbitrary<Job["shown"]> = orNull(
  fc.record({
    view: fc.record({
      status: fc.constantFrom("UPLOADING" as const, ...ENDS),
      bytes: size,
      total: orNull(size),
      tenths: orNull(tenths),
      estimated: fc.boolean(),
      remaining: orNull(size),
      photos: fc.record({ total: size, completed: size, failed: size, cancelled: size, active: size }),
      title,
    }),
    totalsVersion: seq,
    last: fc.record({ seq, at: time }),
    lastAtMs: time,
  }),
);
