import fc from "fast-check";
import { expect, it } from "vitest";
import { draftOf, takeOver } from "../../src/domain/draft.ts";
import { createJob } from "../../src/domain/job.ts";
import { shown } from "./arbitrary-jobs.ts";

it("a job that takes over what another one shows shows all of it, in the objects that it had", () => {
  fc.assert(
    fc.property(shown, shown, (before, after) => {
      const [job, other] = [createJob("u", "j", 0), createJob("u", "j", 0)];
      job.shown = before;
      other.shown = structuredClone(after);
      takeOver(job, other);
      expect(job.shown).toEqual(after);
      if (before === null || after === null) return;
      expect(job.shown).toBe(before);
      expect(job.shown?.view.photos).toBe(before.view.photos);
      expect(other.shown).toEqual(after);
    }),
  );
});

it("a draft has the fields of a job, in their order", () => {
  const job = createJob("u", "j", 0);
  expect(Object.keys(draftOf(job))).toEqual(Object.keys(job));
});
