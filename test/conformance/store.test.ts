import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Disk } from "../../src/engine/resident/disk.ts";
import { ResidentStore } from "../../src/engine/resident/store.ts";
import { ManualClock } from "../manual-clock.ts";
import { MAX_JOBS_PER_USER, RETENTION_MS, storeConformance } from "./store.ts";

const KEPT = { retentionMs: RETENTION_MS, maxJobsPerUser: MAX_JOBS_PER_USER };

storeConformance("in memory", async () => {
  const clock = new ManualClock();
  const store = new ResidentStore({ ...KEPT, clock, startMs: clock.unixMs(), disk: null });
  return { store, clock, stop: () => store.close() };
});

for (const durability of ["commit", "sync"] as const) {
  storeConformance(`on disk, ${durability}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "progress-hub-test-"));
    const clock = new ManualClock();
    const disk = new Disk({ folder, durability, floorSeq: clock.unixMs() * 1000 });
    const store = new ResidentStore({ ...KEPT, clock, startMs: clock.unixMs(), disk });
    return {
      store,
      clock,
      async stop() {
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  });
}
