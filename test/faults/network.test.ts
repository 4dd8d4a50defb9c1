import { afterEach, expect, test } from "vitest";
import { killAll, startCluster } from "./cluster.ts";
import { CLEAN, closeJudged, judged } from "./judged.ts";
import { IS_WHOLE, SEED } from "./seed.ts";

afterEach(async () => {
  await closeJudged();
  killAll();
});

test("cut, slow, late, sliced and swallowed connections: no truncated message is shown, and every resume is exact", async () => {
  const hub = await startCluster("--workers", "2");
  const judgement = await judged(hub, {
    ...{ profile: "hostile", seed: SEED, hasChaos: true },
    ...(IS_WHOLE ? { users: 80, durationMs: 60_000 } : { users: 40, durationMs: 20_000 }),
  });
  expect(judgement).toMatchObject(CLEAN);
  expect(judgement.endings).toBeGreaterThan(500);
  expect(judgement.disconnects).toBeGreaterThan(30);
});
