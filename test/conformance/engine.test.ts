import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Disk } from "../../src/engine/resident/disk.ts";
import { createEngine, settle } from "../engine-harness.ts";
import { linkedEngine } from "../link-harness.ts";
import { engineConformance } from "./engine.ts";

engineConformance("the core itself, in memory", async () => {
  const { engine, clock } = createEngine();
  return {
    engine,
    pass: (ms) => clock.advance(ms),
    settle,
    stop: async () => engine.close(),
  };
});

engineConformance("the core itself, on disk", async () => {
  const folder = await mkdtemp(join(tmpdir(), "progress-hub-test-"));
  const { engine, clock } = createEngine({
    disk: new Disk({ folder, durability: "commit", floorSeq: 1_000 }),
  });
  return {
    engine,
    pass: (ms) => clock.advance(ms),
    settle,
    async stop() {
      await engine.close();
      await rm(folder, { recursive: true });
    },
  };
});

engineConformance("the core in memory, over a link", async () => {
  const { side, clock, settled, stop } = await linkedEngine();
  return {
    engine: side,
    async pass(ms) {
      await clock.advance(ms);
      await settled();
    },
    settle: settled,
    stop,
  };
});
