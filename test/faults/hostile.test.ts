import { afterEach, expect, test } from "vitest";
import { builtInProfile } from "../../simulator/profiles.ts";
import { killAll, startCluster } from "./cluster.ts";
import { CLEAN, closeJudged, judged } from "./judged.ts";
import { IS_WHOLE, SEED } from "./seed.ts";

afterEach(async () => {
  await closeJudged();
  killAll();
});

test("duplicates, shuffles, late events and two publishers: everybody shows what it comes to", async () => {
  expect(builtInProfile("hostile").delivery).toMatchObject({ publishers: 2, duplicates: expect.any(Number) });
  const hub = await startCluster("--workers", "2");
  const judgement = await judged(hub, {
    ...{ profile: "hostile", seed: SEED },
    ...(IS_WHOLE ? { users: 80, durationMs: 60_000 } : { users: 40, durationMs: 12_000 }),
  });
  expect(judgement).toMatchObject(CLEAN);
  expect(judgement.endings).toBeGreaterThan(300);
  expect(judgement.disconnects).toBe(0);
});
