import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { CoreEngine } from "../../src/engine/core-engine.ts";
import { Disk } from "../../src/engine/resident/disk.ts";
import { createEngine, type Message, Reader, settle } from "../engine-harness.ts";
import { ManualClock } from "../manual-clock.ts";
import { history } from "./arbitrary-events.ts";
import { expectNothingGoesBack, latest } from "./client-view.ts";

// A core that ends between two commits, at any point, with states held back; the next one goes on from the same folder.

async function startOn(folder: string, clock: ManualClock): Promise<CoreEngine> {
  const disk = new Disk({ folder, durability: "commit", floorSeq: clock.unixMs() * 1000 });
  const { engine, store } = createEngine({ disk, clock, recentMs: 1e12, retentionMs: 2e12 });
  await store.restore(() => undefined);
  await settle();
  return engine;
}

it("takes nothing back, shows no ending twice, and ends with the last state, wherever the core is restarted", async () => {
  const restarts = fc.array(fc.nat(24), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(history, restarts, async (steps, when) => {
      const folder = await mkdtemp(join(tmpdir(), "progress-hub-test-"));
      const clock = new ManualClock();
      let engine = await startOn(folder, clock);
      try {
        let reader = new Reader(engine, "u");
        await settle();
        const seen: Message[] = [];
        for (const [step, { batch, passMs }] of steps.entries()) {
          await engine.publish(batch);
          if (when.includes(step)) {
            const lastEventId = reader.lastId;
            seen.push(...reader.messages);
            reader.close();
            await engine.close();
            engine = await startOn(folder, clock);
            reader = new Reader(engine, "u", { lastEventId });
            await settle();
            expect(reader.syncs).toMatchObject([{ mode: "resumed" }]);
          }
          await clock.advance(passMs);
        }
        await clock.advance(1000);
        seen.push(...reader.messages);
        expectNothingGoesBack(seen);
        const fresh = new Reader(engine, "u");
        await settle();
        expect(latest(seen)).toEqual(latest(fresh.messages));
      } finally {
        await engine.close();
        await rm(folder, { recursive: true });
      }
    }),
    { numRuns: 100 },
  );
}, 60_000);
