import { afterEach, expect, test } from "vitest";
import { killAll, startProgram } from "./cluster.ts";
import { closeJudged, judged } from "./judged.ts";

// `simulate --verify` on hubs that are broken on purpose: it must name what is wrong with each.

afterEach(async () => {
  await closeJudged();
  killAll();
});

const script = (name: string) => new URL(`./broken/${name}.mjs`, import.meta.url).pathname;

test("a hub that drops every 1,000th message is told by the endings that never came", async () => {
  const hub = await startProgram(script("drops"), ["--workers", "0"]);
  const judgement = await judged(hub, {
    ...{ profile: "hostile", seed: 2, users: 40, durationMs: 20_000, settleMs: 1_000 },
  });
  expect(judgement.lost).toBeGreaterThan(0);
  expect(judgement.untrue).toBeGreaterThan(0);
  expect(judgement.foreign).toBe(0);
  expect(judgement.examples.join("\n")).toMatch(
    /lost: \S+ of demo\S* never saw the ending of sim-2-\d+-\d+\/photo-\d+/,
  );
});

test("a hub that does not look whose connection it is is told by what is foreign", async () => {
  const hub = await startProgram(script("leaks"), ["--workers", "0"]);
  const judgement = await judged(hub, {
    ...{ profile: "hostile", seed: 3, users: 20, durationMs: 8_000, settleMs: 500 },
  });
  expect(judgement.foreign).toBeGreaterThan(0);
  expect(judgement.examples.join("\n")).toMatch(/foreign: \S+ of demo\S* got \S+ of sim-3-\S+ of demo/);
});
